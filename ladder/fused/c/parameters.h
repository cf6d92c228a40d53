// The parameters of a function that is applied to every element, and their gradients.

namespace ladder {

// A function's parameters: P vectors with one entry per unit and, if there are any, S numbers that all units share, in
// one more vector after these.
template <class Function> class ParameterArrays {
public:
    ParameterArrays(PyArrayObject* const* arrays, npy_intp units)
        : vectors(arrays, units), shared(arrays + Function::P, Function::S) {}
    bool ok() const { return vectors.ok() && shared.ok(); }

    const Vectors<Function::P> vectors;
    const Vectors<Function::S ? 1 : 0> shared;
};

template <class Function> class ParameterArraysOut {
public:
    ParameterArraysOut(PyArrayObject** const* outputs, npy_intp units)
        : vectors(outputs, units), shared(outputs + Function::P, Function::S) {}
    bool ok() const { return vectors.ok() && shared.ok(); }

    const VectorsOut<Function::P> vectors;
    const VectorsOut<Function::S ? 1 : 0> shared;
};

// A block's columns of all parameters; those that units share are repeated in each column.
template <class Function> struct Parameters {
    static const int N = Function::P + Function::S;
    float value[N ? N : 1][WIDTH];

    LADDER_INLINE Parameters(const ParameterArrays<Function>& arrays, npy_intp first, int width) {
        for (int k = 0; k < Function::P; ++k)
            for (int j = 0; j < width; ++j) value[k][j] = arrays.vectors.data[k][first + j];
        for (int k = 0; k < Function::S; ++k)
            for (int j = 0; j < width; ++j) value[Function::P + k][j] = arrays.shared.data[0][k];
    }
    LADDER_INLINE const float (&operator[](int k) const)[WIDTH] { return value[k]; }
};

// Writes the sums from number P on, added up over all columns, to the shared vector.
template <class Function, class S> inline void store_shared(const Parts& parts, const std::vector<S>& sums, float* to) {
    for (int k = 0; k < Function::S; ++k) {
        double total = 0.0;
        parts.each_block([&](npy_intp block, npy_intp, int width) {
            for (int j = 0; j < width; ++j) total += sums[block].total(Function::P + k, j);
        });
        to[k] = (float)total;
    }
}

}  // namespace ladder
