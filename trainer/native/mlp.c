#include "trainer/native/mlp.h"

static size_t taken(size_t *offset, size_t count)
{
    size_t at = *offset;
    *offset += count;
    return at;
}

void aft_mlp_lay_out(struct aft_mlp *mlp, const struct aft_network *network, int outputs,
                     size_t *offset, size_t *transposed)
{
    int in = network->obs_dim;
    mlp->activation = network->activation;
    mlp->n_hidden = network->n_hidden;
    for (int l = 0; l < mlp->n_hidden; l++) {
        struct aft_mlp_layer *layer = &mlp->layer[l];
        layer->in = in;
        layer->out = network->hidden[l];
        layer->weight = taken(offset, (size_t)in * (size_t)aft_padded(layer->out));
        if (l > 0) {
            layer->transposed = taken(transposed, (size_t)layer->out * (size_t)aft_padded(in));
        }
        in = layer->out;
    }
    struct aft_mlp_layer *head = &mlp->layer[mlp->n_hidden];
    mlp->rest = *offset;
    head->in = in;
    head->out = outputs;
    head->weight = taken(offset, (size_t)outputs * (size_t)aft_padded(in));
    for (int l = 0; l <= mlp->n_hidden; l++) {
        mlp->layer[l].bias = taken(offset, (size_t)aft_padded(mlp->layer[l].out));
    }
    mlp->log_std = taken(offset, (size_t)aft_padded(mlp->n_log_std));
    mlp->end = *offset;
}

int aft_mlp_cut(const struct aft_mlp *mlp, struct aft_mlp_piece *pieces)
{
    int n = 0;
    for (int l = 0; l < mlp->n_hidden; l++) {
        const struct aft_mlp_layer *layer = &mlp->layer[l];
        int padded = aft_padded(layer->out);
        for (int first = 0; first < padded; first += AFT_PANEL, n++) {
            if (pieces != NULL) {
                pieces[n] = (struct aft_mlp_piece){
                    .offset = layer->weight + aft_packed_index(layer->in, padded, 0, first),
                    .count = (size_t)layer->in * (size_t)aft_panel_width(padded, first),
                    .layer = l,
                    .first = first,
                };
            }
        }
    }
    if (pieces != NULL) {
        pieces[n] = (struct aft_mlp_piece){mlp->rest, mlp->end - mlp->rest, AFT_MLP_REST, 0};
    }
    return n + 1;
}

void aft_mlp_forward(const struct aft_mlp *mlp, const float *parameters, int rows,
                     const struct aft_mlp_rows *at)
{
    const float *x = at->x;
    size_t stride = (size_t)mlp->layer[0].in;
    for (int l = 0; l < mlp->n_hidden; l++) {
        const struct aft_mlp_layer *layer = &mlp->layer[l];
        const struct aft_rows_product product = {
            .rows = rows,
            .n = aft_padded(layer->out),
            .k = layer->in,
            .x = x,
            .x_row_stride = stride,
            .x_k_stride = 1,
            .w = &parameters[layer->weight],
            .bias = &parameters[layer->bias],
            .y = at->hidden[l],
            .y_stride = aft_mlp_stride(layer->out),
            .finish = mlp->activation == AFT_TANH ? AFT_FINISH_TANH : AFT_FINISH_RELU,
            .h = at->hidden[l],
        };
        mlp->kernels->rows_product(&product);
        x = at->hidden[l];
        stride = product.y_stride;
    }
    const struct aft_mlp_layer *head = &mlp->layer[mlp->n_hidden];
    const struct aft_head dots = {
        .rows = rows,
        .n = aft_padded(head->in),
        .outputs = head->out,
        .h = x,
        .h_stride = stride,
        .w = &parameters[head->weight],
        .bias = &parameters[head->bias],
        .out = at->out,
        .out_stride = at->out_stride,
    };
    mlp->kernels->head(&dots);
}

void aft_mlp_backward(const struct aft_mlp *mlp, const float *parameters, const float *transposed,
                      int rows, const struct aft_mlp_rows *at)
{
    for (int l = mlp->n_hidden - 1; l >= 0; l--) {
        const struct aft_mlp_layer *above = &mlp->layer[l + 1];
        bool head = l + 1 == mlp->n_hidden;
        const struct aft_rows_product product = {
            .rows = rows,
            .n = aft_padded(above->in),
            .k = above->out,
            .x = head ? at->d_out : at->delta[l + 1],
            .x_row_stride = head ? 1 : aft_mlp_stride(above->out),
            .x_k_stride = head ? at->out_stride : 1,
            .w = head ? &parameters[above->weight] : &transposed[above->transposed],
            .y = at->delta[l],
            .y_stride = aft_mlp_stride(above->in),
            .finish = mlp->activation == AFT_TANH ? AFT_FINISH_TANH_SLOPE : AFT_FINISH_RELU_SLOPE,
            .h = at->hidden[l],
        };
        mlp->kernels->rows_product(&product);
    }
}

static const float ONE = 1.0f;

/* The gradients of the head and of all biases. */
static void rest_gradient(const struct aft_mlp *mlp, int rows, const struct aft_mlp_rows *at,
                          float *gradient, bool accumulate)
{
    const struct aft_mlp_layer *head = &mlp->layer[mlp->n_hidden];
    const struct aft_outer_product weight = {
        .m = head->out,
        .n = aft_padded(head->in),
        .rows = rows,
        .x = at->d_out,
        .x_row_stride = 1,
        .x_m_stride = at->out_stride,
        .d = at->hidden[mlp->n_hidden - 1],
        .d_stride = aft_mlp_stride(head->in),
        .w = &gradient[head->weight],
        .accumulate = accumulate,
    };
    mlp->kernels->outer_product(&weight);
    for (int l = 0; l < mlp->n_hidden; l++) {
        const struct aft_outer_product bias = {
            .m = 1,
            .n = aft_padded(mlp->layer[l].out),
            .rows = rows,
            .x = &ONE,
            .d = at->delta[l],
            .d_stride = aft_mlp_stride(mlp->layer[l].out),
            .w = &gradient[mlp->layer[l].bias],
            .accumulate = accumulate,
        };
        mlp->kernels->outer_product(&bias);
    }
    for (int a = 0; a < head->out; a++) {
        float *bias = &gradient[head->bias + (size_t)a];
        const float *d = &at->d_out[(size_t)a * at->out_stride];
        float sum = (float)mlp->kernels->sum(d, rows);
        *bias = accumulate ? *bias + sum : sum;
    }
}

void aft_mlp_gradient(const struct aft_mlp *mlp, const struct aft_mlp_piece *piece, int rows,
                      const struct aft_mlp_rows *at, float *gradient, bool accumulate)
{
    /* rows that stay in the first-level cache, or of which a tile's columns do */
    enum { CHUNK_OF_NARROW = 64, CHUNK_OF_WIDE = 128 };
    if (piece->layer == AFT_MLP_REST) {
        rest_gradient(mlp, rows, at, gradient, accumulate);
        return;
    }
    int l = piece->layer;
    const struct aft_mlp_layer *layer = &mlp->layer[l];
    const float *x = l == 0 ? at->x : at->hidden[l - 1];
    size_t x_stride = l == 0 ? (size_t)layer->in : aft_mlp_stride(layer->in);
    size_t d_stride = aft_mlp_stride(layer->out);
    int chunk = layer->in <= AFT_PANEL ? CHUNK_OF_NARROW : CHUNK_OF_WIDE;
    for (int row = 0; row < rows; row += chunk) {
        const struct aft_outer_product product = {
            .m = layer->in,
            .n = aft_panel_width(aft_padded(layer->out), piece->first),
            .rows = rows - row < chunk ? rows - row : chunk,
            .x = x + (size_t)row * x_stride,
            .x_row_stride = x_stride,
            .x_m_stride = 1,
            .d = at->delta[l] + (size_t)row * d_stride + piece->first,
            .d_stride = d_stride,
            .w = &gradient[piece->offset],
            .accumulate = accumulate || row > 0,
        };
        mlp->kernels->outer_product(&product);
    }
}
