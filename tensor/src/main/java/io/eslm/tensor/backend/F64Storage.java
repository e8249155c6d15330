// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.DType;

/** Storage in double precision, for proofs. */
final class F64Storage extends HeapStorage {
    final double[] data;

    F64Storage(double[] data, int offset, int size) {
        super(DType.F64, offset, size);
        this.data = data;
    }

    @Override
    public double get(int i) { return data[offset + i]; }

    @Override
    public void set(int i, double value) { data[offset + i] = value; }

    @Override
    public HeapStorage slice(int from, int n) { return new F64Storage(data, offset + from, n); }
}
