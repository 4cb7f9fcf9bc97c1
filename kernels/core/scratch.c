#include "scratch.h"

#include <stdint.h>
#include <stdlib.h>

struct slots {
    void *memory[SCRATCH_SLOTS]; /* as malloc gave it */
    size_t bytes[SCRATCH_SLOTS];
};

static _Thread_local struct slots *mine;

static void forget(void *slots)
{
    for (int slot = 0; slot < SCRATCH_SLOTS; slot++)
        free(((struct slots *)slots)->memory[slot]);
    free(slots);
}

/* A thread's memory goes when the thread ends. */
#ifdef _WIN32
#include <windows.h>
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static DWORD key;

static void NTAPI thread_ends(void *slots)
{
    if (slots)
        forget(slots);
}

static BOOL CALLBACK make_key(INIT_ONCE *o, void *parameter, void **context)
{
    (void)o, (void)parameter, (void)context;
    key = FlsAlloc(thread_ends);
    return TRUE;
}

static void forget_at_end_of_thread(struct slots *slots)
{
    InitOnceExecuteOnce(&once, make_key, NULL, NULL);
    FlsSetValue(key, slots);
}
#else
#include <pthread.h>
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static void make_key(void)
{
    pthread_key_create(&key, forget);
}

static void forget_at_end_of_thread(struct slots *slots)
{
    pthread_once(&once, make_key);
    pthread_setspecific(key, slots);
}
#endif

void *scratch(int slot, size_t bytes)
{
    if (!mine) {
        mine = calloc(1, sizeof *mine);
        if (!mine)
            return NULL;
        forget_at_end_of_thread(mine);
    }
    if (bytes > mine->bytes[slot] || !mine->memory[slot]) {
        free(mine->memory[slot]);
        mine->memory[slot] = malloc(bytes + 63);
        mine->bytes[slot] = mine->memory[slot] ? bytes : 0;
        if (!mine->memory[slot])
            return NULL;
    }
    return (void *)(((uintptr_t)mine->memory[slot] + 63) & ~(uintptr_t)63);
}
