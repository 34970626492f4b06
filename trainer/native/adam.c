/* The optimiser's passes over the flat vector, cut into pieces for the threads. */
#include "trainer/native/denormals.h"
#include "trainer/native/native.h"

#include <math.h>

enum { PIECE_FLOATS = 4096 };

/* The first layer has nothing below it to propagate to; a head with one output
 * is its own transpose. */
static bool needs_transpose(const struct aft_mlp *mlp, int layer)
{
    return layer > 0 && mlp->layer[layer].out > 1;
}

/* The layer whose weights are that tensor and need a transposed copy, or NULL. */
static const struct aft_mlp_layer *transposed_layer(const struct aft_native *engine, size_t offset)
{
    const struct aft_mlp *nets[2] = {&engine->policy, &engine->value};
    for (int k = 0; k < 2; k++) {
        for (int l = 0; l < nets[k]->n_layers; l++) {
            if (nets[k]->layer[l].weight == offset && needs_transpose(nets[k], l)) {
                return &nets[k]->layer[l];
            }
        }
    }
    return NULL;
}

/* Writes the pieces unless out is NULL; returns their number. */
static int cut(const struct aft_native *engine, struct aft_native_piece *out)
{
    struct aft_native_piece last = {0};
    int n = 0;
    for (int i = 0; i < aft_network_tensor_count(&engine->config.network); i++) {
        struct aft_network_tensor tensor;
        aft_network_tensor(&tensor, &engine->config.network, i);
        const struct aft_mlp_layer *layer = transposed_layer(engine, tensor.offset);
        size_t unit = layer != NULL ? (size_t)layer->out : 1;
        size_t most = PIECE_FLOATS / unit > 0 ? PIECE_FLOATS / unit * unit : unit;
        for (size_t done = 0; done < tensor.count;) {
            bool new_piece = n == 0 || layer != last.layer || last.count >= most;
            if (new_piece) {
                last = (struct aft_native_piece){tensor.offset + done, 0, layer, (int)(done / unit),
                                                 0};
                n++;
            }
            size_t room = most - last.count, left = tensor.count - done;
            size_t taken = left < room ? left : room;
            last.count += taken;
            last.rows += layer != NULL ? (int)(taken / unit) : 0;
            done += taken;
            if (out != NULL) {
                out[n - 1] = last;
            }
        }
    }
    return n;
}

int aft_native_count_pieces(const struct aft_native *engine)
{
    return cut(engine, NULL);
}

void aft_native_cut_pieces(struct aft_native *engine)
{
    engine->n_pieces = cut(engine, engine->pieces);
}

static void transpose_piece(struct aft_native *engine, const struct aft_native_piece *piece)
{
    if (piece->layer != NULL) {
        engine->kernels->transpose(
            &engine->transposed[piece->layer->weight + (size_t)piece->first_row],
            (size_t)piece->layer->in, &engine->parameters[piece->offset], piece->rows,
            piece->layer->out);
    }
}

void aft_native_transpose_all(struct aft_native *engine)
{
    for (int i = 0; i < engine->n_pieces; i++) {
        transpose_piece(engine, &engine->pieces[i]);
    }
}

struct reduction {
    struct aft_native *engine;
    int n_shards;
};

static void reduce_piece(void *context, int task, int thread)
{
    (void)thread;
    struct reduction *job = context;
    struct aft_native *engine = job->engine;
    const struct aft_native_piece *piece = &engine->pieces[task];
    unsigned mode = aft_flush_denormals();
    float *total = &engine->gradients[piece->offset];
    engine->piece_squares[task] = engine->kernels->reduce(
        total, total + engine->stride, engine->stride, job->n_shards - 1, piece->count);
    aft_restore_denormals(mode);
}

double aft_native_reduce_gradient(struct aft_native *engine, int n_shards)
{
    struct reduction job = {engine, n_shards};
    aft_thread_pool_run(engine->config.pool, engine->n_pieces, reduce_piece, &job);
    double squares = 0.0;
    for (int i = 0; i < engine->n_pieces; i++) {
        squares += engine->piece_squares[i];
    }
    return sqrt(squares);
}

struct adam_job {
    struct aft_native *engine;
    struct aft_adam_step step;
};

static void adam_piece(void *context, int task, int thread)
{
    (void)thread;
    struct adam_job *job = context;
    struct aft_native *engine = job->engine;
    const struct aft_native_piece *piece = &engine->pieces[task];
    size_t at = piece->offset;
    unsigned mode = aft_flush_denormals();
    engine->kernels->adam(&engine->parameters[at], &engine->adam_m[at], &engine->adam_v[at],
                          &engine->gradients[at], piece->count, &job->step);
    transpose_piece(engine, piece);
    aft_restore_denormals(mode);
}

void aft_native_adam(struct aft_native *engine, const struct aft_update_config *config,
                     double grad_norm)
{
    engine->adam_step++;
    double t = (double)engine->adam_step;
    double bias1 = 1.0 - pow((double)config->adam_beta1, t);
    double bias2 = 1.0 - pow((double)config->adam_beta2, t);
    double scale = 1.0;
    if (config->max_grad_norm > 0.0f) { /* torch.nn.utils.clip_grad_norm_ */
        scale = (double)config->max_grad_norm / (grad_norm + 1e-6);
        scale = scale < 1.0 ? scale : 1.0;
    }
    struct adam_job job = {
        .engine = engine,
        .step = {.beta1 = config->adam_beta1,
                 .beta2 = config->adam_beta2,
                 .gradient_scale = (float)scale,
                 .step_size = (float)((double)config->learning_rate / bias1),
                 .inverse_root_bias2 = (float)(1.0 / sqrt(bias2)),
                 .eps = config->adam_eps},
    };
    aft_thread_pool_run(engine->config.pool, engine->n_pieces, adam_piece, &job);
}
