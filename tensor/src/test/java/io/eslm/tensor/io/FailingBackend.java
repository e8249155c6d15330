// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Storage;
import io.eslm.tensor.backend.scalar.HeapBackend;
import io.eslm.tensor.backend.scalar.ScalarKernels;

/** A backend whose memory cannot be read. */
final class FailingBackend extends HeapBackend {
    FailingBackend() {
        super(new ScalarKernels());
    }

    @Override
    public void read(Storage src, float[] dst, int to, int n) {
        throw new IllegalStateException("device lost");
    }

    @Override
    public String name() {
        return "failing";
    }

    @Override
    public String description() {
        return "fails on read";
    }

    @Override
    public boolean supports(DType dtype) {
        return true;
    }

    @Override
    public void close() {
        // nothing is open
    }
}
