// One decoder layer after its matrix product or deconvolution: normalise u, apply the decoder function, compare with
// the clean z.

namespace ladder {

// z_est = Function(z_corr, normalised u_pre); cost = mean squared error between the normalised z_est and z_clean.
// mean and variance: the clean statistics, null if z_est is compared as it is; u_pre: null if it is not used.
template <class Function, bool HAS_U, bool HAS_STATISTICS>
inline int denoise(PyArrayObject* u_pre_array, PyArrayObject* z_corr_array, PyArrayObject* z_clean_array,
                   PyArrayObject* mean_array, PyArrayObject* variance_array, PyArrayObject* const* parameters,
                   PyArrayObject** z_est_out, PyArrayObject** cost_out) {
    const Input z_corr_input(z_corr_array), z_clean_input(z_clean_array), u_input(HAS_U ? u_pre_array : z_corr_array);
    const Input mean_input(HAS_STATISTICS ? mean_array : z_corr_array);
    const Input variance_input(HAS_STATISTICS ? variance_array : z_corr_array);
    for (const Input* input : {&z_corr_input, &z_clean_input, &u_input, &mean_input, &variance_input})
        if (!input->ok()) return 1;
    const Parts parts(z_corr_input.rows(), z_corr_input.columns());
    const npy_intp n = parts.rows, units = parts.columns;
    const ParameterArrays<Function> arrays(parameters, units);
    if (!arrays.ok() || differ(z_clean_input, n, units) || differ(u_input, n, units)) return 1;
    if (HAS_STATISTICS && (differ(mean_input, 1, units) || differ(variance_input, 1, units))) return 1;
    if (!allocate_like(z_est_out, z_corr_input) || !allocate(cost_out, 0, nullptr)) return 1;
    const float *z_corr = z_corr_input.floats(), *z_clean = z_clean_input.floats(), *u_pre = u_input.floats();
    const float* mean = HAS_STATISTICS ? mean_input.floats() : nullptr;
    const float* variance = HAS_STATISTICS ? variance_input.floats() : nullptr;
    float* z_est = floats(*z_est_out);

    const std::vector<Statistics> aboves = HAS_U ? statistics(parts, u_pre) : std::vector<Statistics>(parts.blocks);
    const std::vector<Statistics> cleans = known_statistics(parts, mean, variance);
    std::vector<double> costs(parts.number);
    parts.each([=, &arrays, &aboves, &cleans, &costs](const Part& part, int width) LADDER_LAMBDA {
        const Statistics above = aboves[part.block], clean = cleans[part.block];
        const Parameters<Function> p(arrays, part.first, width);
        double square[WIDTH] = {};
        for (npy_intp i = part.begin; i < part.end; ++i) {
            const npy_intp at = i * units + part.first;
            fetch_ahead(i, part, units, z_corr, z_clean, z_est);
            if (HAS_U) fetch_ahead(i, part, units, u_pre);
#pragma GCC ivdep
            for (int j = 0; j < width; ++j) {
                const float u = HAS_U ? above.normalize(u_pre[at + j], j) : 0.0f;
                const float estimate = Function::value(z_corr[at + j], u, p, j);
                z_est[at + j] = estimate;
                const float error = clean.normalize(estimate, j) - z_clean[at + j];
                square[j] += error * error;
            }
        }
        double cost = 0.0;
        for (int j = 0; j < width; ++j) cost += square[j];
        costs[part.number] = cost;
    });

    double total = 0.0;
    for (const double cost : costs) total += cost;
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
    const Parts parts(z_corr_input.rows(), z_corr_input.columns());
    const npy_intp n = parts.rows, units = parts.columns;
    const ParameterArrays<Function> arrays(parameters, units);
    if (!arrays.ok() || differ(z_est_input, n, units) || differ(dz_est_input, n, units)) return 1;
    if (!allocate_like(dz_corr_out, z_corr_input) || (HAS_U && !allocate_like(du_pre_out, u_input))) return 1;
    if (HAS_COST && !allocate_like(dz_clean_out, z_clean_input)) return 1;
    if (HAS_COST && HAS_STATISTICS && (!allocate_like(dmean_out, mean_input) || !allocate_like(dvariance_out, mean_input)))
        return 1;
    const ParameterArraysOut<Function> dparameters(dparameters_out, units);
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

    const int DU = Parameters<Function>::N, DU_U = DU + 1, ERROR = DU + 2, ERROR_Z = DU + 3;  // after the parameters' sums
    const std::vector<Statistics> aboves = HAS_U ? statistics(parts, u_pre) : std::vector<Statistics>(parts.blocks);
    const std::vector<Statistics> cleans = known_statistics(parts, mean, variance);
    std::vector<Sums<ERROR_Z + 1>> sums(parts.number);
    parts.each([=, &arrays, &aboves, &cleans, &sums](const Part& part, int width) LADDER_LAMBDA {
        const Statistics above = aboves[part.block], clean = cleans[part.block];
        const Parameters<Function> p(arrays, part.first, width);
        Sums<ERROR_Z + 1> sum;
        for (npy_intp i = part.begin; i < part.end; ++i) {
            const npy_intp at = i * units + part.first;
            fetch_ahead(i, part, units, z_corr, dz_corr);
            if (HAS_EST) fetch_ahead(i, part, units, dz_est);
            if (HAS_COST) fetch_ahead(i, part, units, z_est, z_clean, dz_clean);
            if (HAS_U) fetch_ahead(i, part, units, u_pre, du_pre);
#pragma GCC ivdep
            for (int j = 0; j < width; ++j) {
                float g = HAS_EST ? dz_est[at + j] : 0.0f, dz, du;
                if (HAS_COST) {
                    const float estimate = clean.normalize(z_est[at + j], j);
                    const float error = slope * (estimate - z_clean[at + j]);
                    dz_clean[at + j] = -error;
                    sum[ERROR][j] += error;
                    sum[ERROR_Z][j] += error * estimate;
                    g += error * clean.scale[j];
                }
                const float u = HAS_U ? above.normalize(u_pre[at + j], j) : 0.0f;
                Function::gradient(z_corr[at + j], u, p, j, g, dz, du, sum);
                dz_corr[at + j] = dz;
                if (HAS_U) {
                    du_pre[at + j] = du;
                    sum[DU][j] += du;
                    sum[DU_U][j] += du * u;
                }
            }
            sum.carry(i, part, width);
        }
        sums[part.number] = sum;
    });
    add_up(parts, sums);

    parts.each_block([&](npy_intp block, npy_intp first, int width) {
        const Statistics& clean = cleans[block];
        const Sums<ERROR_Z + 1>& sum = sums[block];
        for (int j = 0; HAS_COST && HAS_STATISTICS && j < width; ++j) {
            dmean[first + j] = (float)-sum.total(ERROR, j) * clean.scale[j];
            dvariance[first + j] = (float)(-0.5 * sum.total(ERROR_Z, j)) * clean.scale[j] * clean.scale[j];
        }
        sum.store(dparameters.vectors, first, width);
    });
    if (Function::S) store_shared<Function>(parts, sums, dparameters.shared.data[0]);
    if (!HAS_U) return 0;
    // The gradient that reaches every example's u through the batch mean and variance.
    parts.each([=, &aboves, &sums](const Part& part, int width) LADDER_LAMBDA {
        const Statistics above = aboves[part.block];
        float shift[WIDTH], slope_u[WIDTH];
        for (int j = 0; j < width; ++j) {
            shift[j] = (float)(sums[part.block].total(DU, j) / n);
            slope_u[j] = (float)(sums[part.block].total(DU_U, j) / n);
        }
        for (npy_intp i = part.begin; i < part.end; ++i) {
            const npy_intp at = i * units + part.first;
            fetch_ahead(i, part, units, u_pre, du_pre);
#pragma GCC ivdep
            for (int j = 0; j < width; ++j)
                du_pre[at + j] = above.scale[j] *
                                 (du_pre[at + j] - shift[j] - above.normalize(u_pre[at + j], j) * slope_u[j]);
        }
    });
    return 0;
}

}  // namespace ladder
