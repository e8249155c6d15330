// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Shape;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import java.nio.file.Path;
import java.util.Set;

/** Named tensors in a file, read on demand and in pieces, so that nothing is held twice. For one thread. */
public interface TensorFile extends AutoCloseable {
    /** Elements that are converted at a time. */
    int CHUNK = 1 << 16;

    /** The file, or what names its parts; for messages. */
    Path file();

    /** The file that holds a tensor; for messages. */
    default Path file(String name) {
        return file();
    }

    /** In the order of the file. */
    Set<String> names();

    /** @throws java.util.NoSuchElementException if there is no such tensor */
    Shape shape(String name);

    /** True if a tensor holds floating-point numbers, also of a kind that cannot be read. */
    default boolean isFloat(String name) {
        return true;
    }

    default boolean contains(String name) {
        return names().contains(name);
    }

    /**
     * Copies elements {@code [from, from + n)} of a tensor of floating-point numbers, in row-major order, to the start of {@code out}.
     *
     * @throws io.eslm.tensor.UserError if they are not numbers of a kind that can be read
     */
    void floats(String name, int from, float[] out, int n);

    /** Copies a tensor to the start of {@code dst}, F32 or F64, piece by piece. */
    default void read(String name, Backend backend, Storage dst) {
        int size = shape(name).size();
        Checks.check(dst.size() >= size, "read", "%s %s does not fit into %d elements", name, shape(name), dst.size());
        float[] floats = new float[Math.min(CHUNK, size)];
        double[] doubles = new double[dst.dtype() == DType.F64 ? floats.length : 0];
        for (int at = 0; at < size; at += CHUNK) {
            int n = Math.min(CHUNK, size - at);
            floats(name, at, floats, n);
            Storage piece = backend.slice(dst, at, n);
            if (dst.dtype() == DType.F64) {
                for (int i = 0; i < n; i++) {
                    doubles[i] = floats[i];
                }
                backend.write(piece, doubles, 0, n);
            } else {
                backend.write(piece, floats, 0, n);
            }
        }
    }

    /** Nothing can be read afterwards. */
    @Override
    void close();
}
