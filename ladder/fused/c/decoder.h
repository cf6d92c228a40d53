// One decoder layer after its matrix product: normalise u, apply the decoder function, compare with the clean z.

namespace ladder {

// z_est = Function(z_corr, normalised u_pre); cost = mean squared error of the normalised z_est to z_clean.
// mean and variance: the clean statistics, null where z_est is compared as it is; u_pre: null where it is not used.
template <class Function, bool HAS_U, bool HAS_STATISTICS>
inline int denoise(PyArrayObject* u_pre_array, PyArrayObject* z_corr_array, PyArrayObject* z_clean_array,
                   PyArrayObject* mean_array, PyArrayObject* variance_array, PyArrayObject* const* parameters,
                   PyArrayObject** z_est_out, PyArrayObject** cost_out) {
    const Input z_corr_input(z_corr_array), z_clean_input(z_clean_array), u_input(HAS_U ? u_pre_array : z_corr_array);
    const Input mean_input(HAS_STATISTICS ? mean_array : z_corr_array);
    const Input variance_input(HAS_STATISTICS ? variance_array : z_corr_array);
    for (const Input* input : {&z_corr_input, &z_clean_input, &u_input, &mean_input, &variance_input})
        if (!input->ok()) return 1;
    const npy_intp n = z_corr_input.rows(), units = z_corr_input.columns(), shape[2] = {n, units};
    const Vectors<Function::P> vectors(parameters, units);
    if (!vectors.ok() || differ(z_clean_input, n, units) || differ(u_input, n, units)) return 1;
    if (HAS_STATISTICS && (differ(mean_input, 1, units) || differ(variance_input, 1, units))) return 1;
    if (!allocate(z_est_out, 2, shape) || !allocate(cost_out, 0, nullptr)) return 1;
    const float *z_corr = z_corr_input.floats(), *z_clean = z_clean_input.floats(), *u_pre = u_input.floats();
    const float* mean = HAS_STATISTICS ? mean_input.floats() : nullptr;
    const float* variance = HAS_STATISTICS ? variance_input.floats() : nullptr;
    float* z_est = floats(*z_est_out);
    std::vector<double> costs(units);
    double* cost = costs.data();

    for_blocks(n, units, [=, &vectors](npy_intp first, int width) LADDER_LAMBDA {
        Statistics above, clean;
        if (HAS_U) above.of(u_pre + first, n, units, width);
        clean.known(mean ? mean + first : nullptr, variance ? variance + first : nullptr, width);
        Parameters<Function> p;
        p.load(vectors.data, first, width);
        double square[WIDTH] = {};
        for (npy_intp i = 0; i < n; ++i) {
            const npy_intp at = i * units + first;
#pragma GCC ivdep
            for (int j = 0; j < width; ++j) {
                const float u = HAS_U ? above.normalize(u_pre[at + j], j) : 0.0f;
                const float estimate = Function::value(z_corr[at + j], u, p, j);
                z_est[at + j] = estimate;
                const float error = clean.normalize(estimate, j) - z_clean[at + j];
                square[j] += error * error;
            }
        }
        for (int j = 0; j < width; ++j) cost[first + j] = square[j];
    });

    double total = 0.0;
    for (npy_intp j = 0; j < units; ++j) total += cost[j];
    *floats(*cost_out) = (float)(total / n / units);
    return 0;
}

// Gradients for all of denoise's inputs, from those for z_est and the cost (HAS_…: whether there is one).
template <class Function, bool HAS_U, bool HAS_STATISTICS, bool HAS_EST, bool HAS_COST>
inline int denoise_gradient(PyArrayObject* u_pre_array, PyArrayObject* z_corr_array, PyArrayObject* z_clean_array,
                            PyArrayObject* mean_array, PyArrayObject* variance_array,
                            PyArrayObject* const* parameters, PyArrayObject* z_est_array, PyArrayObject* dz_est_array,
                            PyArrayObject* dcost_array, PyArrayObject** du_pre_out, PyArrayObject** dz_corr_out,
                            PyArrayObject** dz_clean_out, PyArrayObject** dmean_out, PyArrayObject** dvariance_out,
                            PyArrayObject** const* dparameters_out) {
    const Input z_corr_input(z_corr_array), z_est_input(z_est_array), u_input(HAS_U ? u_pre_array : z_corr_array);
    const Input z_clean_input(z_clean_array), dz_est_input(HAS_EST ? dz_est_array : z_corr_array);
    const Input mean_input(HAS_STATISTICS ? mean_array : z_corr_array);
    const Input variance_input(HAS_STATISTICS ? variance_array : z_corr_array);
    for (const Input* input : {&z_corr_input, &z_est_input, &u_input, &z_clean_input, &dz_est_input, &mean_input,
                               &variance_input})
        if (!input->ok()) return 1;
    const npy_intp n = z_corr_input.rows(), units = z_corr_input.columns(), shape[2] = {n, units}, row[2] = {1, units};
    const Vectors<Function::P> vectors(parameters, units);
    if (!vectors.ok() || differ(z_est_input, n, units) || differ(dz_est_input, n, units)) return 1;
    if (!allocate(dz_corr_out, 2, shape) || (HAS_U && !allocate(du_pre_out, 2, shape))) return 1;
    if (HAS_COST && !allocate(dz_clean_out, 2, shape)) return 1;
    if (HAS_COST && HAS_STATISTICS && (!allocate(dmean_out, 2, row) || !allocate(dvariance_out, 2, row))) return 1;
    VectorsOut<Function::P> dparameters(dparameters_out, units);
    if (!dparameters.ok()) return 1;
    const float *z_corr = z_corr_input.floats(), *z_clean = z_clean_input.floats(), *u_pre = u_input.floats();
    const float *z_est = z_est_input.floats(), *dz_est = dz_est_input.floats();
    const float* mean = HAS_STATISTICS ? mean_input.floats() : nullptr;
    const float* variance = HAS_STATISTICS ? variance_input.floats() : nullptr;
    float *dz_corr = floats(*dz_corr_out), *du_pre = HAS_U ? floats(*du_pre_out) : nullptr;
    float* dz_clean = HAS_COST ? floats(*dz_clean_out) : nullptr;
    float* dmean = HAS_COST && HAS_STATISTICS ? floats(*dmean_out) : nullptr;
    float* dvariance = HAS_COST && HAS_STATISTICS ? floats(*dvariance_out) : nullptr;
    const float slope = HAS_COST ? (float)(2.0 * *floats(dcost_array) / n / units) : 0.0f;

    for_blocks(n, units, [=, &vectors, &dparameters](npy_intp first, int width) LADDER_LAMBDA {
        Statistics above, clean;
        if (HAS_U) above.of(u_pre + first, n, units, width);
        clean.known(mean ? mean + first : nullptr, variance ? variance + first : nullptr, width);
        Parameters<Function> p;
        p.load(vectors.data, first, width);
        const int DU = Function::P, DU_U = DU + 1, ERROR = DU + 2, ERROR_Z = DU + 3;  // after the parameters' sums
        Sums<ERROR_Z + 1> sums;
        for (npy_intp i = 0; i < n; ++i) {
            const npy_intp at = i * units + first;
#pragma GCC ivdep
            for (int j = 0; j < width; ++j) {
                float g = HAS_EST ? dz_est[at + j] : 0.0f, dz, du;
                if (HAS_COST) {
                    const float estimate = clean.normalize(z_est[at + j], j);
                    const float error = slope * (estimate - z_clean[at + j]);
                    dz_clean[at + j] = -error;
                    sums[ERROR][j] += error;
                    sums[ERROR_Z][j] += error * estimate;
                    g += error * clean.scale[j];
                }
                const float u = HAS_U ? above.normalize(u_pre[at + j], j) : 0.0f;
                Function::gradient(z_corr[at + j], u, p, j, g, dz, du, sums);
                dz_corr[at + j] = dz;
                if (HAS_U) {
                    du_pre[at + j] = du;
                    sums[DU][j] += du;
                    sums[DU_U][j] += du * u;
                }
            }
            sums.carry(i, n, width);
        }
        float shift[WIDTH], slope_u[WIDTH];
        for (int j = 0; HAS_U && j < width; ++j) {
            shift[j] = (float)(sums.total(DU, j) / n);
            slope_u[j] = (float)(sums.total(DU_U, j) / n);
        }
        for (npy_intp i = 0; HAS_U && i < n; ++i) {
            const npy_intp at = i * units + first;
#pragma GCC ivdep
            for (int j = 0; j < width; ++j)
                du_pre[at + j] = above.scale[j] *
                                 (du_pre[at + j] - shift[j] - above.normalize(u_pre[at + j], j) * slope_u[j]);
        }
        for (int j = 0; HAS_COST && HAS_STATISTICS && j < width; ++j) {
            dmean[first + j] = (float)-sums.total(ERROR, j) * clean.scale[j];
            dvariance[first + j] = (float)(-0.5 * sums.total(ERROR_Z, j)) * clean.scale[j] * clean.scale[j];
        }
        sums.store(dparameters, first, width);
    });
    return 0;
}

}  // namespace ladder
