// Scratch memory for kernels.

namespace ladder {

// Floats aligned to a cache line, for vectors; null, with a Python error set, if there was no memory.
class Buffer {
public:
    explicit Buffer(npy_intp size, bool zero = false) : data_(new (std::nothrow) float[size + SPARE]) {
        if (!data_) PyErr_NoMemory();
        else if (zero) std::fill(get(), get() + size, 0.0f);
    }
    bool ok() const { return data_ != nullptr; }
    float* get() const { return (float*)(((uintptr_t)data_.get() + LINE - 1) / LINE * LINE); }

private:
    static const npy_intp LINE = 64, SPARE = LINE / sizeof(float);  // a cache line, in bytes and in floats
    std::unique_ptr<float[]> data_;
};

}  // namespace ladder
