// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.scalar;

import io.eslm.tensor.DType;

/** One thread, plain loops, all types: slow, and right by inspection. */
public final class ScalarBackend extends HeapBackend {
    public ScalarBackend() {
        super(new ScalarKernels());
    }

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public String description() {
        return "plain Java loops, 1 thread, F32 and F64";
    }

    @Override
    public boolean supports(DType dtype) {
        return true;
    }

    @Override
    public void close() {
        // heap memory only: nothing to give back
    }
}
