// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import io.eslm.tensor.backend.ScalarBackend;
import io.eslm.tensor.backend.Storage;

/** A backend whose memory cannot be read. */
final class FailingBackend extends ScalarBackend {
    @Override
    public void read(Storage src, float[] dst, int to, int n) {
        throw new IllegalStateException("device lost");
    }
}
