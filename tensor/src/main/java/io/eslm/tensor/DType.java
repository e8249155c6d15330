// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

/**
 * Element type of a tensor: F32 to compute with, F64 to prove with (scalar backend only), I32 for token ids and row
 * indices.
 */
public enum DType {
    F32(4), F64(8), I32(4);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** Size of one element in bytes. */
    public int bytes() {
        return bytes;
    }

    public boolean isFloat() {
        return this != I32;
    }
}
