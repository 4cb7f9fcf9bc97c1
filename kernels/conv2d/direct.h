/* What direct.c plans and direct_unit.h computes: the forward convolution and dx are one sum,
 *
 *     target[o, place] = bias[o] + sum over channels c and taps t of image[c, place + offset[t]] * weights[o, c, t],
 *
 * over an image that has zeros around it.
 *
 * Forward: the target is y, the image x; a place is a pixel of y. With a stride s the image's columns are dealt out to
 * s phases, so that the columns that a tap reads for adjacent pixels of y are adjacent too.
 * dx: the target is dx, the image dy. With a stride s, s pixels of dx in each direction see one place of dy, through
 * different taps: they are the phases of a place. */
#ifndef MINIDL_DIRECT_H
#define MINIDL_DIRECT_H

#include "conv2d.h"

struct direct {
    const void *source, *bias;
    void *target;
    bool is_double;
    ptrdiff_t n, groups;
    ptrdiff_t inputs, outputs;                                    /* channels of a group */
    ptrdiff_t source_height, source_width;
    ptrdiff_t target_height, target_width;

    /* The target's pixel of a place (i, j) and phase (a, b) is (first_row + i * row_phases + a, likewise the column).
     * Those that fall outside the target are left out. */
    ptrdiff_t rows, columns, row_phases, column_phases, first_row, first_column;

    /* The image: [row][channel][image_phase][pitch]. Its row r is the source's r - top, its column q of phase f the
     * source's q * image_phases + f - left. The place (i, j) begins at row i * row_step, column j. */
    ptrdiff_t top, left, row_step, image_phases, pitch, row_size, channel_size;
    ptrdiff_t reach; /* the image's rows that a place sees */

    /* The taps of the phase p are tap_begin[p] to tap_begin[p + 1] - 1; tap_offset says where each lies in the image,
     * tap_row in which row; the weight of w's tap t for the channel c goes to place tap_first[t] + c * tap_step[t] of
     * the packed weights. */
    ptrdiff_t taps, *tap_begin, *tap_offset, *tap_row, *tap_first, *tap_step;

    /* w as it is stored: from one output to the next, and from one input to the next. */
    const void *weights;
    ptrdiff_t weight_output, weight_input;
    bool finite; /* no weight is infinite or not a number: times 0 each is 0 */

    /* Lanes of pixels or of channels; blocks of outputs, each computed by the same tiles, in a group. */
    bool pixel_lanes;
    ptrdiff_t blocks;
};

/* How a unit computes. A block's packed weights are packed_size numbers. */
struct direct_unit {
    ptrdiff_t lanes;
    bool (*all_finite)(const struct direct *d);
    ptrdiff_t (*blocks)(const struct direct *d);
    ptrdiff_t (*packed_size)(const struct direct *d, ptrdiff_t block);
    void (*pack)(const struct direct *d, ptrdiff_t group, ptrdiff_t block, void *packed);
    /* For the places of the rows first to end - 1 of image n: the image that they see, and a block of the target. */
    void (*pad)(const struct direct *d, ptrdiff_t n, ptrdiff_t first, ptrdiff_t end, void *image);
    void (*compute)(const struct direct *d, ptrdiff_t n, ptrdiff_t first, ptrdiff_t end, ptrdiff_t group,
                    ptrdiff_t block, const void *packed, const void *image);
};

/* How many numbers a vector has. */
ptrdiff_t direct_lanes(const struct core *core, bool is_double);

bool direct(const struct core *core, const struct convolution *c, bool pixel_lanes, const void *x, const void *weights,
            const void *bias, void *y);
bool direct_dx(const struct core *core, const struct convolution *c, bool pixel_lanes, const void *dy,
               const void *weights, void *dx);

#endif
