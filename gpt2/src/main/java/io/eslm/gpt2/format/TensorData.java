// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.tensor.Shape;
import java.lang.foreign.MemorySegment;

/**
 * The values of one tensor in a mapped file. Its memory was checked to be there when this was made.
 *
 * @param data the bytes that hold it
 * @param offset elements of {@code data} before its first one; whole blocks
 * @param strides elements from one index to the next, for each axis; null if the tensor is row-major without gaps
 */
record TensorData(MemorySegment data, Encoding encoding, Shape shape, long offset, long[] strides) {
    TensorData(MemorySegment data, Encoding encoding, Shape shape) {
        this(data, encoding, shape, 0, null);
    }

    /** Copies elements {@code [from, from + n)}, in row-major order, to the start of {@code out}. */
    void read(int from, float[] out, int n) {
        if (strides != null) {
            strided(from, out, n);
            return;
        }
        int block = encoding.blockValues();
        int skipped = from % block;
        int done = 0;
        if (skipped > 0) {
            done = Math.min(n, block - skipped);
            part(from - skipped, skipped, out, 0, done);
        }
        int whole = (n - done) / block;
        encoding.decode(data, byteOf(from + done), whole, out, done);
        done += whole * block;
        if (done < n) {
            part(from + done, 0, out, done, n - done);
        }
    }

    private void part(int blockStart, int skipped, float[] out, int to, int n) {
        float[] block = new float[encoding.blockValues()];
        encoding.decode(data, byteOf(blockStart), 1, block, 0);
        System.arraycopy(block, skipped, out, to, n);
    }

    private long byteOf(long element) {
        return encoding.bytes(offset + element);
    }

    private void strided(int from, float[] out, int n) {
        int[] dims = shape.dims();
        for (int i = 0; i < n; i++) {
            long at = offset;
            int rest = from + i;
            for (int axis = dims.length - 1; axis >= 0; axis--) {
                at += rest % dims[axis] * strides[axis];
                rest /= dims[axis];
            }
            encoding.decode(data, encoding.bytes(at), 1, out, i);
        }
    }
}
