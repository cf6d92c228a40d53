"""``CorrMM.make_node`` builds its output's shape with ``tuple(a, b, c, d)``, a TypeError for every ``conv2d`` in C."""


def repair(corr):
    """Replace it with a method that has the brackets in place, for what is supported: filters shared by all pixels."""
    from aesara.graph.basic import Apply
    from aesara.tensor import TensorType, as_tensor_variable

    def make_node(self, img, kern):
        img, kern = self.as_common_dtype(as_tensor_variable(img), as_tensor_variable(kern))
        if img.ndim != 4 or kern.ndim != (6 if self.unshared else 4):
            raise TypeError(f"CorrMM: images of {img.type} and filters of {kern.type}")
        known = tuple(1 if x.type.shape[0] == 1 else None for x in (img, kern))
        return Apply(self, [img, kern], [TensorType(img.dtype, shape=(*known, None, None))()])

    corr.CorrMM.make_node = make_node
