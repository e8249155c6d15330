// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import java.util.stream.IntStream;

/** In one backend: y of zeros, x and w of the same values, u and v of zeros, each (side, side); ids (side). */
record Operands(Backend backend, Storage y, Storage x, Storage w, Storage u, Storage v, Storage ids) {
    private static final int STRIDE = 7;

    Operands(Backend backend, DType type, float[] values, int side) {
        this(backend, backend.allocate(type, values.length), backend.allocate(type, values.length),
                backend.allocate(type, values.length), backend.allocate(type, values.length),
                backend.allocate(type, values.length), backend.allocate(DType.I32, side));
        if (type == DType.F64) {
            double[] wide = Agreement.wide(values);
            backend.write(x, wide, 0, wide.length);
            backend.write(w, wide, 0, wide.length);
        } else {
            write(values, values.length);
        }
        backend.write(ids, IntStream.range(0, side).map(i -> i * STRIDE % side).toArray(), 0, side);
    }

    /** Copies the operands of a kernel that reads the first {@code ofW} values of w. */
    void write(float[] values, int ofW) {
        backend.write(x, values, 0, values.length);
        backend.write(w, values, 0, ofW);
    }
}
