// One encoder layer after its matrix product: normalise, add noise, activate.

namespace ladder {

// z = (z_pre - mean) / sqrt(variance + epsilon) + std * noise, h = Function(z).
template <class Function, bool HAS_NOISE>
inline int encode(PyArrayObject* z_pre_array, PyArrayObject* noise_array, float std,
                  PyArrayObject* const* parameters, PyArrayObject** z_out, PyArrayObject** h_out,
                  PyArrayObject** mean_out, PyArrayObject** variance_out) {
    const Input z_pre_input(z_pre_array), noise_input(HAS_NOISE ? noise_array : z_pre_array);
    if (!z_pre_input.ok() || !noise_input.ok()) return 1;
    const npy_intp n = z_pre_input.rows(), units = z_pre_input.columns(), shape[2] = {n, units}, row[2] = {1, units};
    const Vectors<Function::P> vectors(parameters, units);
    if (!vectors.ok() || differ(noise_input, n, units)) return 1;
    if (!allocate(z_out, 2, shape) || !allocate(h_out, 2, shape)) return 1;
    if (!allocate(mean_out, 2, row) || !allocate(variance_out, 2, row)) return 1;
    const float *z_pre = z_pre_input.floats(), *noise = noise_input.floats();
    float *z = floats(*z_out), *h = floats(*h_out), *mean = floats(*mean_out), *variance = floats(*variance_out);

    for_blocks(n, units, [=, &vectors](npy_intp first, int width) LADDER_LAMBDA {
        Statistics batch;
        batch.of(z_pre + first, n, units, width);
        Parameters<Function> p;
        p.load(vectors.data, first, width);
        for (npy_intp i = 0; i < n; ++i) {
            const npy_intp at = i * units + first;
#pragma GCC ivdep
            for (int j = 0; j < width; ++j) {
                const float x = batch.normalize(z_pre[at + j], j) + (HAS_NOISE ? std * noise[at + j] : 0.0f);
                z[at + j] = x;
                h[at + j] = Function::value(x, 0.0f, p, j);
            }
        }
        for (int j = 0; j < width; ++j) {
            mean[first + j] = batch.mean[j];
            variance[first + j] = batch.variance[j];
        }
    });
    return 0;
}

// Gradients for z_pre and the parameters, from those for z, h, mean and variance (null: none).
template <class Function, bool HAS_Z, bool HAS_H, bool HAS_MEAN, bool HAS_VARIANCE>
inline int encode_gradient(PyArrayObject* z_pre_array, PyArrayObject* z_array, PyArrayObject* mean_array,
                           PyArrayObject* variance_array, PyArrayObject* const* parameters, PyArrayObject* dz_array,
                           PyArrayObject* dh_array, PyArrayObject* dmean_array, PyArrayObject* dvariance_array,
                           PyArrayObject** dz_pre_out, PyArrayObject** const* dparameters_out) {
    const Input z_pre_input(z_pre_array), z_input(z_array), mean_input(mean_array), variance_input(variance_array);
    const Input dz_input(HAS_Z ? dz_array : z_array), dh_input(HAS_H ? dh_array : z_array);
    const Input dmean_input(HAS_MEAN ? dmean_array : mean_array);
    const Input dvariance_input(HAS_VARIANCE ? dvariance_array : mean_array);
    for (const Input* input : {&z_pre_input, &z_input, &mean_input, &variance_input, &dz_input, &dh_input,
                               &dmean_input, &dvariance_input})
        if (!input->ok()) return 1;
    const npy_intp n = z_pre_input.rows(), units = z_pre_input.columns(), shape[2] = {n, units};
    const Vectors<Function::P> vectors(parameters, units);
    if (!vectors.ok() || differ(dz_input, n, units) || differ(dh_input, n, units)) return 1;
    if (differ(dmean_input, 1, units) || differ(dvariance_input, 1, units)) return 1;
    if (!allocate(dz_pre_out, 2, shape)) return 1;
    VectorsOut<Function::P> dparameters(dparameters_out, units);
    if (!dparameters.ok()) return 1;
    const float *z_pre = z_pre_input.floats(), *z = z_input.floats(), *dz = dz_input.floats(), *dh = dh_input.floats();
    const float *mean = mean_input.floats(), *variance = variance_input.floats();
    const float *dmean = dmean_input.floats(), *dvariance = dvariance_input.floats();
    float* dz_pre = floats(*dz_pre_out);

    for_blocks(n, units, [=, &vectors, &dparameters](npy_intp first, int width) LADDER_LAMBDA {
        Statistics batch;
        batch.known(mean + first, variance + first, width);
        Parameters<Function> p;
        p.load(vectors.data, first, width);
        const int G = Function::P, G_Z = G + 1;  // after the parameters' sums
        Sums<G_Z + 1> sums;
        for (npy_intp i = 0; i < n; ++i) {
            const npy_intp at = i * units + first;
#pragma GCC ivdep
            for (int j = 0; j < width; ++j) {
                float g = 0.0f, unused;
                if (HAS_H) Function::gradient(z[at + j], 0.0f, p, j, dh[at + j], g, unused, sums);
                if (HAS_Z) g += dz[at + j];
                dz_pre[at + j] = g;
                sums[G][j] += g;
                sums[G_Z][j] += g * batch.normalize(z_pre[at + j], j);
            }
            sums.carry(i, n, width);
        }
        // What reaches every example alike: through the mean, and through the variance.
        float shift[WIDTH], slope[WIDTH];
        for (int j = 0; j < width; ++j) {
            shift[j] = (float)(sums.total(G, j) / n);
            slope[j] = (float)(sums.total(G_Z, j) / n);
            if (HAS_MEAN) shift[j] -= dmean[first + j] / n / batch.scale[j];
            if (HAS_VARIANCE) slope[j] -= 2.0f * dvariance[first + j] / n / batch.scale[j] / batch.scale[j];
        }
        for (npy_intp i = 0; i < n; ++i) {
            const npy_intp at = i * units + first;
#pragma GCC ivdep
            for (int j = 0; j < width; ++j)
                dz_pre[at + j] =
                    batch.scale[j] * (dz_pre[at + j] - shift[j] - batch.normalize(z_pre[at + j], j) * slope[j]);
        }
        sums.store(dparameters, first, width);
    });
    return 0;
}

}  // namespace ladder
