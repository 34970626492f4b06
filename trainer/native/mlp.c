#include "trainer/native/mlp.h"

#include <string.h>

/* C [m][n] = A [m][k] B [k][n], all contiguous. */
static struct aft_product product_of(int m, int n, int k, const float *a, const float *b, float *c)
{
    return (struct aft_product){
        .m = m, .n = n, .k = k, .a = a, .b = b, .a_row_stride = (size_t)k, .a_k_stride = 1, .c = c};
}

static void multiply(const struct aft_mlp *mlp, const struct aft_product *product)
{
    if ((long)product->m * product->n * product->k <= AFT_MLP_SMALL_PRODUCT) {
        mlp->kernels->product(product);
    } else {
        aft_blas_product(mlp->blas, product);
    }
}

static void activate(const struct aft_mlp *mlp, float *z, const float *bias, int rows, int width)
{
    if (mlp->activation == AFT_TANH) {
        mlp->kernels->bias_tanh(z, bias, rows, width);
    } else {
        mlp->kernels->bias_relu(z, bias, rows, width);
    }
}

void aft_mlp_forward(const struct aft_mlp *mlp, const float *parameters, int rows, const float *x,
                     struct aft_mlp_work *work, float *out)
{
    int last = mlp->n_layers - 1;
    for (int l = 0; l < last; l++) {
        const struct aft_mlp_layer *layer = &mlp->layer[l];
        float *z = work->hidden[l];
        const struct aft_product product =
            product_of(rows, layer->out, layer->in, x, &parameters[layer->weight], z);
        multiply(mlp, &product);
        activate(mlp, z, &parameters[layer->bias], rows, layer->out);
        x = z;
    }
    const struct aft_mlp_layer *head = &mlp->layer[last];
    if (head->out == 1) {
        mlp->kernels->head_forward(out, x, &parameters[head->weight], rows, head->in);
        return;
    }
    const struct aft_product product =
        product_of(rows, head->out, head->in, x, &parameters[head->weight], out);
    multiply(mlp, &product);
    mlp->kernels->bias_only(out, &parameters[head->bias], rows, head->out);
}

/* The weight gradient of a layer from its input x and delta = dL/dz. */
static void weight_gradient(const struct aft_mlp *mlp, const struct aft_mlp_backward *with,
                            const struct aft_mlp_layer *layer, int rows, const float *x,
                            const float *delta)
{
    struct aft_product product =
        product_of(layer->in, layer->out, rows, x, delta, &with->gradient[layer->weight]);
    product.a_row_stride = 1; /* x is [rows][in]: transposed */
    product.a_k_stride = (size_t)layer->in;
    product.accumulate = with->accumulate;
    multiply(mlp, &product);
}

/* From this layer's dL/dz to that of the layer below, whose output is h. */
static void propagate(const struct aft_mlp *mlp, const struct aft_mlp_backward *with,
                      const struct aft_mlp_layer *layer, int rows, const float *h,
                      const float *delta, float *delta_below)
{
    float *bias_gradient = &with->gradient[(layer - 1)->bias];
    const struct aft_product product = product_of(rows, layer->in, layer->out, delta,
                                                  &with->transposed[layer->weight], delta_below);
    multiply(mlp, &product);
    if (mlp->activation == AFT_TANH) {
        mlp->kernels->tanh_backward(delta_below, h, bias_gradient, rows, layer->in);
    } else {
        mlp->kernels->relu_backward(delta_below, h, bias_gradient, rows, layer->in);
    }
}

static void head_backward(const struct aft_mlp *mlp, const struct aft_mlp_backward *with, int rows,
                          const float *h, const float *d_out, float *delta_below)
{
    const struct aft_mlp_layer *head = &mlp->layer[mlp->n_layers - 1];
    float *bias_below = &with->gradient[(head - 1)->bias];
    if (head->out > 1) {
        weight_gradient(mlp, with, head, rows, h, d_out);
        mlp->kernels->column_sums(d_out, &with->gradient[head->bias], rows, head->out);
        propagate(mlp, with, head, rows, h, d_out, delta_below);
        return;
    }
    const float *w = &with->parameters[head->weight];
    float *w_gradient = &with->gradient[head->weight];
    if (mlp->activation == AFT_TANH) {
        mlp->kernels->head_backward_tanh(delta_below, h, w, d_out, w_gradient, bias_below, rows,
                                         head->in);
    } else {
        mlp->kernels->head_backward_relu(delta_below, h, w, d_out, w_gradient, bias_below, rows,
                                         head->in);
    }
}

/* What the kernels add to; the matrix products overwrite their own. */
static void clear_sums(const struct aft_mlp *mlp, float *gradient)
{
    for (int l = 0; l < mlp->n_layers; l++) {
        const struct aft_mlp_layer *layer = &mlp->layer[l];
        memset(&gradient[layer->bias], 0, (size_t)layer->out * sizeof *gradient);
    }
    const struct aft_mlp_layer *head = &mlp->layer[mlp->n_layers - 1];
    if (head->out == 1) {
        memset(&gradient[head->weight], 0, (size_t)head->in * sizeof *gradient);
    }
}

void aft_mlp_backward(const struct aft_mlp *mlp, const struct aft_mlp_backward *with, int rows,
                      const float *x, struct aft_mlp_work *work, const float *d_out)
{
    if (!with->accumulate) {
        clear_sums(mlp, with->gradient);
    }
    int top = mlp->n_layers - 2; /* the highest hidden layer */
    float *delta = work->delta[0], *delta_below = work->delta[1];
    head_backward(mlp, with, rows, work->hidden[top], d_out, delta);
    for (int l = top; l > 0; l--) {
        const struct aft_mlp_layer *layer = &mlp->layer[l];
        weight_gradient(mlp, with, layer, rows, work->hidden[l - 1], delta);
        propagate(mlp, with, layer, rows, work->hidden[l - 1], delta, delta_below);
        float *kept = delta;
        delta = delta_below;
        delta_below = kept;
    }
    weight_gradient(mlp, with, &mlp->layer[0], rows, x, delta);
}
