// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import io.eslm.tensor.backend.Workspace;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/** Fills memory with NaN, or an index out of every range, when it is acquired and again when it is released. */
final class PoisonedWorkspace extends Workspace {
    private final Set<Storage> inUse = Collections.newSetFromMap(new IdentityHashMap<>());

    PoisonedWorkspace(Backend backend) {
        super(backend);
    }

    /** Number of storages that were acquired and not released. */
    int inUse() {
        return inUse.size();
    }

    @Override
    public Storage acquire(DType type, int size) {
        Storage storage = super.acquire(type, size);
        inUse.add(storage);
        poison(storage);
        return storage;
    }

    @Override
    public void release(Storage storage) {
        if (!inUse.remove(storage)) {
            throw new AssertionError("released twice, or never acquired: " + storage.size() + " " + storage.dtype());
        }
        poison(storage);
        super.release(storage);
    }

    private void poison(Storage storage) {
        backend().kernels().fill(storage, storage.size(), storage.dtype().isFloat() ? Double.NaN : Integer.MIN_VALUE);
    }
}
