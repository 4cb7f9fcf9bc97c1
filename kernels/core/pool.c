/* A pool whose caller works too and waits for chunks, never for threads.
 *
 * a) One number, the ticket, says which run this is and how many of its chunks are not yet taken; a chunk is taken by one
 *    compare-and-swap. It can only succeed while the run is on, so a thread that comes late finds nothing and harms nothing.
 * b) The caller takes chunks like everyone else. If no worker wakes in time (another process has its core) the caller does
 *    the whole work, and loses the price of waking: about a microsecond.
 * c) Who finds no chunk, or waits for the last one, looks again for a while before it sleeps: to wake up takes about 50
 *    microseconds. Two threads on 64 x 784 x 128 (123 us alone) take 129 us with 2 us of looking, 75 with 20, 86 with 60.
 * d) In a forked child there are no workers. It begins with an empty pool and starts its own.
 *
 * An OpenMP runtime would not do: GNU's hangs in a forked child, and its waiting threads spin or are too slow to wake. */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "pool.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MOST_THREADS 256
#define MOST_CHUNKS 0xffffffffu
#define LOOKS 2000 /* before sleeping: 20 microseconds, or up to 90 where the processor's pause is long */

static _Atomic uint64_t ticket;          /* the run's number << 32 | its chunks that are not yet taken */
static _Atomic uint32_t unfinished;      /* chunks of this run */
static _Atomic uint32_t rings;           /* counts the calls to wake up */
static _Atomic uint32_t sleepers;        /* workers that sleep or are about to */
static _Atomic bool taken;               /* someone's run is on */
static _Atomic bool caller_sleeps;       /* until unfinished is 0 */
static _Atomic(void (*)(void *, ptrdiff_t)) run_work;
static _Atomic(void *) run_job;
static _Atomic int wanted = 1, most_workers;
static int workers;                      /* started; only who has taken the pool looks at this */

static inline void pause_a_little(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* -- threads, and sleeping while a word keeps its value ------------------------------------------------------------- */

static void worker(int index);

#ifdef _WIN32
#include <windows.h>

typedef HANDLE thread_handle;
static SRWLOCK lock = SRWLOCK_INIT;
static CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;

static void sleep_while(_Atomic uint32_t *word, uint32_t value)
{
    AcquireSRWLockExclusive(&lock);
    while (atomic_load(word) == value)
        SleepConditionVariableSRW(&changed, &lock, INFINITE, 0);
    ReleaseSRWLockExclusive(&lock);
}

static void wake(_Atomic uint32_t *word, int sleeping)
{
    (void)word, (void)sleeping;
    AcquireSRWLockExclusive(&lock);
    ReleaseSRWLockExclusive(&lock);
    WakeAllConditionVariable(&changed);
}

static DWORD WINAPI begin(void *index)
{
    worker((int)(intptr_t)index);
    return 0;
}

static bool start_thread(thread_handle *handle, int index)
{
    *handle = CreateThread(NULL, 1 << 20, begin, (void *)(intptr_t)index, 0, NULL);
    return *handle != NULL;
}

static void end_thread(thread_handle handle)
{
    WaitForSingleObject(handle, INFINITE);
    CloseHandle(handle);
}

static void forget_workers_in_children(void)
{
}

#else
#include <pthread.h>
#include <signal.h>

typedef pthread_t thread_handle;

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static void sleep_while(_Atomic uint32_t *word, uint32_t value)
{
    while (atomic_load(word) == value)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(_Atomic uint32_t *word, int sleeping)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, sleeping, NULL, NULL, 0);
}

static void renew_lock(void)
{
}
#else
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void sleep_while(_Atomic uint32_t *word, uint32_t value)
{
    pthread_mutex_lock(&lock);
    while (atomic_load(word) == value)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void wake(_Atomic uint32_t *word, int sleeping)
{
    (void)word, (void)sleeping;
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void renew_lock(void)
{
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&changed, NULL);
}
#endif

static void *begin(void *index)
{
    worker((int)(intptr_t)index);
    return NULL;
}

/* Signals are for Python's own threads. */
static bool start_thread(thread_handle *handle, int index)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 1 << 20);
    const bool started = pthread_create(handle, &attributes, begin, (void *)(intptr_t)index) == 0;
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void end_thread(thread_handle handle)
{
    pthread_join(handle, NULL);
}

static void in_the_child(void)
{
    atomic_store(&ticket, 0);
    atomic_store(&unfinished, 0);
    atomic_store(&sleepers, 0);
    atomic_store(&caller_sleeps, false);
    atomic_store(&taken, false);
    workers = 0;
    renew_lock();
}

static void register_child(void)
{
    pthread_atfork(NULL, NULL, in_the_child);
}

static void forget_workers_in_children(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_child);
}
#endif

static thread_handle handles[MOST_THREADS];

/* -- the run -------------------------------------------------------------------------------------------------------- */

static uint32_t not_taken(uint64_t value)
{
    return (uint32_t)value;
}

/* Takes chunks and does them while there are any. */
static void take_part(void)
{
    uint64_t now = atomic_load(&ticket);
    while (not_taken(now) > 0) {
        void (*const work)(void *, ptrdiff_t) = atomic_load(&run_work);
        void *const job = atomic_load(&run_job);
        if (!atomic_compare_exchange_weak(&ticket, &now, now - 1))
            continue; /* now is what the ticket says */
        work(job, not_taken(now) - 1);
        if (atomic_fetch_sub(&unfinished, 1) == 1 && atomic_load(&caller_sleeps))
            wake(&unfinished, 1);
        now = atomic_load(&ticket);
    }
}

static void worker(int index)
{
    for (;;) {
        const uint32_t heard = atomic_load(&rings);
        for (int look = 0; look < LOOKS && not_taken(atomic_load(&ticket)) == 0; look++)
            pause_a_little();
        take_part();
        if (index >= atomic_load(&most_workers))
            return;
        atomic_fetch_add(&sleepers, 1);
        if (not_taken(atomic_load(&ticket)) == 0)
            sleep_while(&rings, heard);
        atomic_fetch_sub(&sleepers, 1);
    }
}

/* Wakes so many of the workers that sleep. */
static void ring(int sleeping)
{
    atomic_fetch_add(&rings, 1);
    if (atomic_load(&sleepers) > 0)
        wake(&rings, sleeping);
}

/* Starts or ends workers until there are as many as wanted. If the system gives no more, there are fewer. */
static void hire(void)
{
    const int count = atomic_load(&wanted) - 1;
    forget_workers_in_children();
    atomic_store(&most_workers, count);
    if (workers > count)
        ring(INT_MAX);
    while (workers > count)
        end_thread(handles[--workers]);
    while (workers < count && start_thread(&handles[workers], workers))
        workers++;
}

void pool_run(void (*work)(void *job, ptrdiff_t chunk), void *job, ptrdiff_t chunks)
{
    if (chunks < 2 || chunks > MOST_CHUNKS || atomic_load(&wanted) < 2 || atomic_exchange(&taken, true)) {
        for (ptrdiff_t chunk = 0; chunk < chunks; chunk++)
            work(job, chunk);
        return;
    }
    if (workers != atomic_load(&wanted) - 1)
        hire();
    atomic_store(&run_work, work);
    atomic_store(&run_job, job);
    atomic_store(&unfinished, (uint32_t)chunks);
    atomic_store(&ticket, ((atomic_load(&ticket) >> 32) + 1) << 32 | (uint64_t)chunks);
    ring(chunks - 1 < MOST_THREADS ? (int)chunks - 1 : MOST_THREADS);
    take_part();
    for (int look = 0; look < LOOKS && atomic_load(&unfinished) > 0; look++)
        pause_a_little();
    atomic_store(&caller_sleeps, true);
    for (uint32_t left; (left = atomic_load(&unfinished)) > 0;)
        sleep_while(&unfinished, left);
    atomic_store(&caller_sleeps, false);
    atomic_store(&taken, false);
}

void pool_set_threads(int threads)
{
    atomic_store(&wanted, threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads);
}

int pool_threads(void)
{
    return atomic_load(&wanted);
}
