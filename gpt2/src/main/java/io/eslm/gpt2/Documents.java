// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Tape;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;

/** Where documents begin in windows of tokens. */
final class Documents {
    private Documents() {
    }

    /** ids (B, T) I32 → where the document of each token starts in its window, (B·T) I32. {@code end} ends a document. */
    static Tensor starts(Tape tape, Tensor ids, int end) {
        Tensor starts = tape.memory(DType.I32, ids.size());
        tape.backend().kernels().documentStarts(starts.storage(), ids.storage(), ids.dim(0), ids.dim(1), end);
        return starts;
    }
}
