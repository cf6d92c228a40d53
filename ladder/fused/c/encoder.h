// One encoder layer after its matrix product or convolution: normalise, add noise, activate.

namespace ladder {

// z = (z_pre - mean) / sqrt(variance + epsilon) + std * noise, h = Function(z).
template <class Function, bool HAS_NOISE>
inline int encode(PyArrayObject* z_pre_array, PyArrayObject* noise_array, float std,
                  PyArrayObject* const* parameters, PyArrayObject** z_out, PyArrayObject** h_out,
                  PyArrayObject** mean_out, PyArrayObject** variance_out) {
    const Input z_pre_input(z_pre_array);
    const Rows noise_rows(HAS_NOISE ? noise_array : z_pre_array);
    if (!z_pre_input.ok() || !noise_rows.ok()) return 1;
    const Parts parts(z_pre_input.rows(), z_pre_input.columns());
    const npy_intp units = parts.columns;
    const ParameterArrays<Function> arrays(parameters, units);
    if (!arrays.ok() || (HAS_NOISE && noise_rows.differ(parts.rows, units))) return 1;
    if (!allocate_like(z_out, z_pre_input) || !allocate_like(h_out, z_pre_input)) return 1;
    if (!allocate_row(mean_out, z_pre_input) || !allocate_row(variance_out, z_pre_input)) return 1;
    const float* z_pre = z_pre_input.floats();
    float *z = floats(*z_out), *h = floats(*h_out), *mean = floats(*mean_out), *variance = floats(*variance_out);

    const std::vector<Statistics> batches = statistics(parts, z_pre);
    parts.each([=, &arrays, &batches, &noise_rows](const Part& part, int width) LADDER_LAMBDA {
        const Statistics batch = batches[part.block];
        const Parameters<Function> p(arrays, part.first, width);
        RowsBuffer buffer;
        for (npy_intp i = part.begin; i < part.end; ++i) {
            const npy_intp at = i * units + part.first;
            const float* noise = HAS_NOISE ? noise_rows.row(i, part, width, buffer) : nullptr;
            fetch_ahead(i, part, units, z_pre, z, h);
            if (HAS_NOISE) noise_rows.fetch_ahead(i, part);
#pragma GCC ivdep
            for (int j = 0; j < width; ++j) {
                const float x = batch.normalize(z_pre[at + j], j) + (HAS_NOISE ? std * noise[j] : 0.0f);
                z[at + j] = x;
                h[at + j] = Function::value(x, 0.0f, p, j);
            }
        }
    });
    parts.each_block([&](npy_intp block, npy_intp first, int width) {
        std::copy(batches[block].mean, batches[block].mean + width, mean + first);
        std::copy(batches[block].variance, batches[block].variance + width, variance + first);
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
    const Parts parts(z_pre_input.rows(), z_pre_input.columns());
    const npy_intp n = parts.rows, units = parts.columns;
    const ParameterArrays<Function> arrays(parameters, units);
    if (!arrays.ok() || differ(dz_input, n, units) || differ(dh_input, n, units)) return 1;
    if (differ(dmean_input, 1, units) || differ(dvariance_input, 1, units)) return 1;
    if (!allocate_like(dz_pre_out, z_pre_input)) return 1;
    const ParameterArraysOut<Function> dparameters(dparameters_out, units);
    if (!dparameters.ok()) return 1;
    const float *z_pre = z_pre_input.floats(), *z = z_input.floats(), *dz = dz_input.floats(), *dh = dh_input.floats();
    const float *dmean = dmean_input.floats(), *dvariance = dvariance_input.floats();
    float* dz_pre = floats(*dz_pre_out);

    const int G = Parameters<Function>::N, G_Z = G + 1;  // after the parameters' sums
    const std::vector<Statistics> batches = known_statistics(parts, mean_input.floats(), variance_input.floats());
    std::vector<Sums<G_Z + 1>> sums(parts.number);
    parts.each([=, &arrays, &batches, &sums](const Part& part, int width) LADDER_LAMBDA {
        const Statistics batch = batches[part.block];
        const Parameters<Function> p(arrays, part.first, width);
        Sums<G_Z + 1> sum;
        for (npy_intp i = part.begin; i < part.end; ++i) {
            const npy_intp at = i * units + part.first;
            fetch_ahead(i, part, units, z_pre, z, dz_pre);
            if (HAS_Z) fetch_ahead(i, part, units, dz);
            if (HAS_H) fetch_ahead(i, part, units, dh);
#pragma GCC ivdep
            for (int j = 0; j < width; ++j) {
                float g = 0.0f, unused;
                if (HAS_H) Function::gradient(z[at + j], 0.0f, p, j, dh[at + j], g, unused, sum);
                if (HAS_Z) g += dz[at + j];
                dz_pre[at + j] = g;
                sum[G][j] += g;
                sum[G_Z][j] += g * batch.normalize(z_pre[at + j], j);
            }
            sum.carry(i, part, width);
        }
        sums[part.number] = sum;
    });
    add_up(parts, sums);

    // The gradient that reaches every example through the batch mean and variance.
    std::vector<float> shifts(units), slopes(units);
    parts.each_block([&](npy_intp block, npy_intp first, int width) {
        const Statistics& batch = batches[block];
        for (int j = 0; j < width; ++j) {
            float &shift = shifts[first + j], &slope = slopes[first + j];
            shift = (float)(sums[block].total(G, j) / n);
            slope = (float)(sums[block].total(G_Z, j) / n);
            if (HAS_MEAN) shift -= dmean[first + j] / n / batch.scale[j];
            if (HAS_VARIANCE) slope -= 2.0f * dvariance[first + j] / n / batch.scale[j] / batch.scale[j];
        }
        sums[block].store(dparameters.vectors, first, width);
    });
    parts.each([=, &batches, &shifts, &slopes](const Part& part, int width) LADDER_LAMBDA {
        const Statistics batch = batches[part.block];
        const float *shift = shifts.data() + part.first, *slope = slopes.data() + part.first;
        for (npy_intp i = part.begin; i < part.end; ++i) {
            const npy_intp at = i * units + part.first;
            fetch_ahead(i, part, units, z_pre, dz_pre);
#pragma GCC ivdep
            for (int j = 0; j < width; ++j)
                dz_pre[at + j] =
                    batch.scale[j] * (dz_pre[at + j] - shift[j] - batch.normalize(z_pre[at + j], j) * slope[j]);
        }
    });
    return 0;
}

}  // namespace ladder
