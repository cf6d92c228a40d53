// The arrays of a convolution: maps, channels last, and filters.

namespace ladder {

// Images (count, height, width, channels) in C order.
template <class Float> struct MapsOf {
    Float* data;
    npy_intp count, height, width, channels;

    npy_intp pixels() const { return height * width; }
    npy_intp image_size() const { return pixels() * channels; }
    npy_intp size() const { return count * image_size(); }
    Float* at(npy_intp image, npy_intp row, npy_intp column) const {
        return data + ((image * height + row) * width + column) * channels;
    }
};
typedef MapsOf<const float> Maps;
typedef MapsOf<float> MapsOut;

// Filters (to, from, K, K) with any strides.
struct Filters {
    const char* data;
    npy_intp to, from, size;  // channels, K
    npy_intp strides[4];      // bytes

    float at(npy_intp f, npy_intp c, npy_intp row, npy_intp column) const {
        return *(const float*)(data + f * strides[0] + c * strides[1] + row * strides[2] + column * strides[3]);
    }
    Filters turned() const {  // by half a turn
        Filters other = *this;
        other.data += (size - 1) * (strides[2] + strides[3]);
        other.strides[2] = -strides[2];
        other.strides[3] = -strides[3];
        return other;
    }
};

// Which pixels of the two sides meet through tap d of a filter: fine = coarse stride + d - pad.
struct Geometry {
    npy_intp stride, pad;
};

// Whether every tap of every coarse pixel along an axis meets a fine pixel.
inline bool complete(Geometry g, npy_intp K, npy_intp fine, npy_intp coarse) {
    return g.pad == 0 && (coarse - 1) * g.stride + K <= fine;
}

// One axis: the pixel that each pixel of the result receives from through each tap.
struct Axis {
    npy_intp to, taps;
    std::vector<npy_intp> from;  // (to, taps); -1: beyond the border, or between two pixels

    // Towards the coarse side (down) or the fine one.
    Axis(Geometry g, npy_intp from_size, npy_intp to_size, npy_intp taps, bool down)
        : to(to_size), taps(taps), from(to_size * taps) {
        for (npy_intp i = 0; i < to; ++i)
            for (npy_intp d = 0; d < taps; ++d) {
                npy_intp source = down ? i * g.stride + d - g.pad : i + g.pad - d;
                if (!down) source = source >= 0 && source % g.stride == 0 ? source / g.stride : -1;
                from[i * taps + d] = source < from_size ? std::max<npy_intp>(source, -1) : -1;
            }
    }
    const npy_intp* operator[](npy_intp i) const { return &from[i * taps]; }

    // Positions, sorted so that those with the same taps are side by side.
    std::vector<npy_intp> order() const {
        std::vector<npy_intp> positions(to);
        for (npy_intp i = 0; i < to; ++i) positions[i] = i;
        auto there = [&](npy_intp i, npy_intp d) { return (*this)[i][d] >= 0; };
        std::stable_sort(positions.begin(), positions.end(), [&](npy_intp a, npy_intp b) {
            for (npy_intp d = 0; d < taps; ++d)
                if (there(a, d) != there(b, d)) return there(b, d);
            return false;
        });
        return positions;
    }
};

// Copies rows [first, first + rows) of an image with `pad` zeros around it, numbered as without the zeros.
inline void surround(const Maps& x, npy_intp pad, npy_intp image, npy_intp first, npy_intp rows, float* to) {
    const npy_intp beside = pad * x.channels, inside = x.width * x.channels;
    for (npy_intp i = first; i < first + rows; ++i, to += inside + 2 * beside) {
        const bool there = i >= 0 && i < x.height;
        std::fill_n(to, there ? beside : inside + beside, 0.0f);
        if (there) std::copy_n(x.at(image, i, 0), inside, to + beside);
        std::fill_n(to + inside + beside, beside, 0.0f);
    }
}

}  // namespace ladder
