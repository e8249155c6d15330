// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** The readers of this package, on bytes in place of a file. */
public final class TensorReaders {
    private TensorReaders() {
    }

    public static Safetensors safetensors(byte[] bytes) {
        return Safetensors.of(Path.of("model.safetensors"), () -> {
        }, MemorySegment.ofArray(bytes));
    }
}
