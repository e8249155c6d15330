// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Storage;
import java.util.Objects;

/**
 * {@code size} elements from {@code offset} of the device's array for {@code dtype}. The range is given back when
 * neither the storage nor a window of it can be reached any more: all of them hold {@code owner}.
 */
record DeviceStorage(Object owner, DType dtype, int offset, int size) implements Storage {

    DeviceStorage slice(int from, int n) {
        Objects.checkFromIndexSize(from, n, size);
        return new DeviceStorage(owner, dtype, offset + from, n);
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
