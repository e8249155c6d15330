// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Storage;
import java.util.Objects;

/**
 * {@code size} elements from {@code offset} of the device's array of that number for {@code dtype}; ints have one array, 0. The range is given back when
 * neither the storage nor a window of it can be reached any more: all of them hold {@code owner}.
 */
record DeviceStorage(Object owner, DType dtype, int array, int offset, int size) implements Storage {

    DeviceStorage slice(int from, int n) {
        Objects.checkFromIndexSize(from, n, size);
        return new DeviceStorage(owner, dtype, array, offset + from, n);
    }

    /** True if both begin at the same element. */
    boolean beginsWith(DeviceStorage other) {
        return dtype == other.dtype && array == other.array && offset == other.offset;
    }

    /** {@code storage} as memory of the device; memory of another backend is an error, never a hidden copy. */
    static DeviceStorage of(Storage storage) {
        if (storage instanceof DeviceStorage s) {
            return s;
        }
        throw new IllegalArgumentException("kernel: a " + storage.getClass().getSimpleName()
                + " is not memory of backend 'tornado'; copy the tensor first with Tensor.to(backend)");
    }
}
