/* The product in one element type and one instruction set: see units.h.
 * The order of the sum of an element of y depends on k and the method alone, never on the place of the element or on how
 * the rows and columns were divided: so every number of threads gives the same bits. */

#if REGISTERS == 32
#define TILE_ROWS 8
#else
#define TILE_ROWS 6
#endif

/* A panel of b has DEPTH rows of at most WIDEST vectors. */
#define WIDEST 4
#define DEPTH 512

/* What happens to a sum of products before it is stored. */
struct NAME(end) {
    const REAL *bias; /* of the tile's first column, or NULL */
    bool add, relu;
};

/* A tile of y, rows x vectors, held in registers: at each step a row of b is loaded and each a[i, step] broadcast.
 * rows, vectors and one of a_row, a_step are constants in every use. */
INLINE void NAME(tile)(int rows, int vectors, const REAL *a, ptrdiff_t a_row, ptrdiff_t a_step, const REAL *b, ptrdiff_t b_row,
                       ptrdiff_t depth, REAL *y, ptrdiff_t y_row, const struct NAME(end) *end)
{
    VECTOR sum[TILE_ROWS][WIDEST];
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int v = 0; v < vectors; v++)
            sum[i][v] = (VECTOR){0};
    }
    for (ptrdiff_t step = 0; step < depth; step++) {
        VECTOR row[WIDEST];
        UNROLL
        for (int v = 0; v < vectors; v++)
            row[v] = NAME(load)(b + v * LANES);
        UNROLL
        for (int i = 0; i < rows; i++) {
            UNROLL
            for (int v = 0; v < vectors; v++)
                sum[i][v] += a[i * a_row] * row[v];
        }
        a += a_step;
        b += b_row;
    }
    const struct NAME(end) e = *end;
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int v = 0; v < vectors; v++) {
            VECTOR z = sum[i][v];
            REAL *place = y + i * y_row + v * LANES;
            if (e.add)
                z += NAME(load)(place);
            if (e.bias)
                z += NAME(load)(e.bias + v * LANES);
            NAME(store)(place, e.relu ? NAME(relu)(z) : z);
        }
    }
}

/* tile_<a as it is stored>_<rows>x<vectors>, and a table of them. */
typedef void NAME(tile_function)(const REAL *a, ptrdiff_t a_stride, const REAL *b, ptrdiff_t b_row, ptrdiff_t depth, REAL *y,
                                 ptrdiff_t y_row, const struct NAME(end) *end);

#define TILE(rows, vectors)                                                                                            \
    static void NAME(tile_rows_##rows##x##vectors)(const REAL *a, ptrdiff_t a_row, const REAL *b, ptrdiff_t b_row,      \
                                                   ptrdiff_t depth, REAL *y, ptrdiff_t y_row,                          \
                                                   const struct NAME(end) *end)                                        \
    {                                                                                                                  \
        NAME(tile)(rows, vectors, a, a_row, 1, b, b_row, depth, y, y_row, end);                                        \
    }                                                                                                                  \
    static void NAME(tile_columns_##rows##x##vectors)(const REAL *a, ptrdiff_t a_step, const REAL *b, ptrdiff_t b_row,  \
                                                      ptrdiff_t depth, REAL *y, ptrdiff_t y_row,                       \
                                                      const struct NAME(end) *end)                                     \
    {                                                                                                                  \
        NAME(tile)(rows, vectors, a, 1, a_step, b, b_row, depth, y, y_row, end);                                       \
    }

TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2)
TILE(1, 4) TILE(2, 4) TILE(3, 4)
#if TILE_ROWS == 8
TILE(7, 1) TILE(8, 1) TILE(7, 2) TILE(8, 2) TILE(4, 4)
#define ALL_ROWS(stored, v)                                                                                            \
    {NAME(tile_##stored##_1x##v), NAME(tile_##stored##_2x##v), NAME(tile_##stored##_3x##v), NAME(tile_##stored##_4x##v), \
     NAME(tile_##stored##_5x##v), NAME(tile_##stored##_6x##v), NAME(tile_##stored##_7x##v), NAME(tile_##stored##_8x##v)}
#define FEW_ROWS(stored, v)                                                                                            \
    {NAME(tile_##stored##_1x##v), NAME(tile_##stored##_2x##v), NAME(tile_##stored##_3x##v), NAME(tile_##stored##_4x##v)}
#else
#define ALL_ROWS(stored, v)                                                                                            \
    {NAME(tile_##stored##_1x##v), NAME(tile_##stored##_2x##v), NAME(tile_##stored##_3x##v), NAME(tile_##stored##_4x##v), \
     NAME(tile_##stored##_5x##v), NAME(tile_##stored##_6x##v)}
#define FEW_ROWS(stored, v)                                                                                            \
    {NAME(tile_##stored##_1x##v), NAME(tile_##stored##_2x##v), NAME(tile_##stored##_3x##v)}
#endif

/* By [a transposed][1, 2 or 4 vectors][rows - 1]. */
static NAME(tile_function) *const NAME(tiles)[2][3][TILE_ROWS] = {
    {ALL_ROWS(rows, 1), ALL_ROWS(rows, 2), FEW_ROWS(rows, 4)},
    {ALL_ROWS(columns, 1), ALL_ROWS(columns, 2), FEW_ROWS(columns, 4)},
};

/* panel[step, column] = b[step, column], with zeros to the right of the last column. */
static void NAME(pack)(const REAL *b, ptrdiff_t b_row, ptrdiff_t depth, ptrdiff_t columns, REAL *panel, ptrdiff_t width)
{
    for (ptrdiff_t step = 0; step < depth; step++, b += b_row, panel += width) {
        if (columns == width) {
            for (ptrdiff_t j = 0; j < width; j += LANES)
                NAME(store)(panel + j, NAME(load)(b + j));
        }
        else {
            memcpy(panel, b, columns * sizeof(REAL));
            memset(panel + columns, 0, (width - columns) * sizeof(REAL));
        }
    }
}

/* panel[step, column] = b[column, step], with zeros to the right of the last column. */
static void NAME(pack_transposed)(const REAL *b, ptrdiff_t b_row, ptrdiff_t depth, ptrdiff_t columns, REAL *panel,
                                  ptrdiff_t width)
{
    for (ptrdiff_t first = 0; first < width; first += LANES) {
        ptrdiff_t step = 0;
        for (; step + LANES <= depth; step += LANES) {
            VECTOR square[LANES];
            UNROLL
            for (int j = 0; j < LANES; j++)
                square[j] = first + j < columns ? NAME(load)(b + (first + j) * b_row + step) : (VECTOR){0};
            NAME(transpose)(square);
            UNROLL
            for (int j = 0; j < LANES; j++)
                NAME(store)(panel + (step + j) * width + first, square[j]);
        }
        for (; step < depth; step++) {
            for (ptrdiff_t j = first; j < first + LANES; j++)
                panel[step * width + j] = j < columns ? b[j * b_row + step] : 0;
        }
    }
}

/* A tile whose last vector hangs over the last column: computed aside, and what is there copied. */
static void NAME(edge)(NAME(tile_function) *tile, int rows, ptrdiff_t columns, const REAL *a, ptrdiff_t a_stride, const REAL *b,
                       ptrdiff_t b_row, ptrdiff_t depth, REAL *y, ptrdiff_t y_row, const struct NAME(end) *end)
{
    REAL aside[TILE_ROWS][WIDEST * LANES], bias[WIDEST * LANES] = {0};
    struct NAME(end) here = *end;
    if (end->bias) {
        memcpy(bias, end->bias, columns * sizeof(REAL));
        here.bias = bias;
    }
    if (end->add) {
        memset(aside, 0, sizeof aside);
        for (int i = 0; i < rows; i++)
            memcpy(aside[i], y + i * y_row, columns * sizeof(REAL));
    }
    tile(a, a_stride, b, b_row, depth, aside[0], WIDEST * LANES, &here);
    for (int i = 0; i < rows; i++)
        memcpy(y + i * y_row, aside[i], columns * sizeof(REAL));
}

/* y by tiles: for each panel of b, which stays in the cache, over all rows of a. */
static void NAME(tiled)(const struct product *p, enum product_method method, ptrdiff_t first_row, ptrdiff_t end_row,
                        ptrdiff_t first_column, ptrdiff_t end_column)
{
    _Alignas(64) REAL panel[DEPTH * WIDEST * LANES];
    const ptrdiff_t rows = end_row - first_row;
    const ptrdiff_t tiles_down = (rows + TILE_ROWS - 1) / TILE_ROWS;
    const ptrdiff_t widest = rows <= TILE_ROWS / 2 ? 4 : 2;
    const ptrdiff_t blocks = p->k > DEPTH ? (p->k + DEPTH - 1) / DEPTH : 1;

    for (ptrdiff_t block = 0; block < blocks; block++) {
        const ptrdiff_t k = block * p->k / blocks;
        const ptrdiff_t depth = (block + 1) * p->k / blocks - k;
        const bool last = block == blocks - 1;
        for (ptrdiff_t column = first_column; column < end_column; column += widest * LANES) {
            const ptrdiff_t left = end_column - column;
            const ptrdiff_t vectors = left <= LANES ? 1 : left <= 2 * LANES ? 2 : widest;
            const ptrdiff_t width = vectors * LANES;
            const ptrdiff_t columns = left < width ? left : width;
            const REAL *b = (const REAL *)p->b + (p->b_transposed ? column * p->b_row + k : k * p->b_row + column);
            ptrdiff_t b_row = p->b_row;
            if (p->b_transposed || method == PACKED || columns < width) {
                (p->b_transposed ? NAME(pack_transposed) : NAME(pack))(b, b_row, depth, columns, panel, width);
                b = panel;
                b_row = width;
            }
            const struct NAME(end) end = {
                .bias = p->bias && last ? (const REAL *)p->bias + column : NULL,
                .add = p->accumulate || block > 0,
                .relu = p->relu && last,
            };
            NAME(tile_function) *const *tiles = NAME(tiles)[p->a_transposed][vectors / 2];
            for (ptrdiff_t t = 0; t < tiles_down; t++) {
                const ptrdiff_t row = first_row + t * rows / tiles_down;
                const int height = (int)(first_row + (t + 1) * rows / tiles_down - row);
                const REAL *a = (const REAL *)p->a + (p->a_transposed ? k * p->a_row + row : row * p->a_row + k);
                REAL *y = (REAL *)p->y + row * p->y_row + column;
                if (columns == width)
                    tiles[height - 1](a, p->a_row, b, b_row, depth, y, p->y_row, &end);
                else
                    NAME(edge)(tiles[height - 1], height, columns, a, p->a_row, b, b_row, depth, y, p->y_row, &end);
            }
        }
    }
}

/* rows x columns dot products along k: lanes are steps of the sum, both operands are read as they lie. */
INLINE void NAME(dots)(int rows, int columns, const struct product *p, const REAL *a, const REAL *b, ptrdiff_t column, REAL *y)
{
    VECTOR sum[4][4];
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int j = 0; j < columns; j++)
            sum[i][j] = (VECTOR){0};
    }
    ptrdiff_t step = 0;
    for (; step + LANES <= p->k; step += LANES) {
        VECTOR left[4];
        UNROLL
        for (int i = 0; i < rows; i++)
            left[i] = NAME(load)(a + i * p->a_row + step);
        UNROLL
        for (int j = 0; j < columns; j++) {
            VECTOR right = NAME(load)(b + j * p->b_row + step);
            IN_REGISTER(right);
            UNROLL
            for (int i = 0; i < rows; i++)
                sum[i][j] += left[i] * right;
        }
    }
    const int group = columns < LANES ? columns : LANES;
    REAL z[4][4];
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int j = 0; j < columns; j += group)
            NAME(sum_lanes)(group, sum[i] + j, z[i] + j);
    }
    for (; step < p->k; step++) {
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++)
                z[i][j] += a[i * p->a_row + step] * b[j * p->b_row + step];
        }
    }
    const REAL *bias = p->bias ? (const REAL *)p->bias + column : NULL;
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            REAL *place = y + i * p->y_row + j, value = z[i][j];
            if (p->accumulate)
                value += *place;
            if (bias)
                value += bias[j];
            *place = p->relu && value < 0 ? 0 : value;
        }
    }
}

typedef void NAME(dots_function)(const struct product *p, const REAL *a, const REAL *b, ptrdiff_t column, REAL *y);

#define DOTS_OF(rows, columns)                                                                                         \
    static void NAME(dots_##rows##x##columns)(const struct product *p, const REAL *a, const REAL *b, ptrdiff_t column,  \
                                              REAL *y)                                                                 \
    {                                                                                                                  \
        NAME(dots)(rows, columns, p, a, b, column, y);                                                                 \
    }

DOTS_OF(1, 1) DOTS_OF(2, 1) DOTS_OF(3, 1) DOTS_OF(4, 1)
DOTS_OF(1, 4) DOTS_OF(2, 4) DOTS_OF(3, 4) DOTS_OF(4, 4)

/* y by dot products: for few rows, where to bring b into panels would cost more than it gains. */
static void NAME(dotted)(const struct product *p, ptrdiff_t first_row, ptrdiff_t end_row, ptrdiff_t first_column,
                         ptrdiff_t end_column)
{
    /* By [1 or 4 columns][rows - 1]. */
    static NAME(dots_function) *const dots[2][4] = {
        {NAME(dots_1x1), NAME(dots_2x1), NAME(dots_3x1), NAME(dots_4x1)},
        {NAME(dots_1x4), NAME(dots_2x4), NAME(dots_3x4), NAME(dots_4x4)},
    };
    for (ptrdiff_t column = first_column, columns; column < end_column; column += columns) {
        columns = end_column - column >= 4 ? 4 : 1;
        for (ptrdiff_t row = first_row, rows; row < end_row; row += rows) {
            rows = end_row - row < TILE_ROWS / 2 ? end_row - row : TILE_ROWS / 2;
            dots[columns / 4][rows - 1](p, (const REAL *)p->a + row * p->a_row, (const REAL *)p->b + column * p->b_row,
                                        column, (REAL *)p->y + row * p->y_row + column);
        }
    }
}

static void NAME(block)(const struct product *p, enum product_method method, ptrdiff_t first_row, ptrdiff_t end_row,
                        ptrdiff_t first_column, ptrdiff_t end_column)
{
    if (method == DOTS)
        NAME(dotted)(p, first_row, end_row, first_column, end_column);
    else
        NAME(tiled)(p, method, first_row, end_row, first_column, end_column);
}

static void NAME(panels)(const struct product *p, ptrdiff_t width, void *panels)
{
    for (ptrdiff_t column = 0; column < p->n; column += width) {
        const ptrdiff_t columns = p->n - column < width ? p->n - column : width;
        const REAL *b = (const REAL *)p->b + (p->b_transposed ? column * p->b_row : column);
        REAL *panel = (REAL *)panels + column * p->k;
        (p->b_transposed ? NAME(pack_transposed) : NAME(pack))(b, p->b_row, p->k, columns, panel, width);
    }
}

static const struct product_unit NAME(product_unit) = {
    NAME(block), NAME(panels), TILE_ROWS / 2, 2 * LANES, WIDEST * LANES,
};

#undef TILE_ROWS
#undef WIDEST
#undef DEPTH
#undef TILE
#undef ALL_ROWS
#undef FEW_ROWS
#undef DOTS_OF
