// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Tape;
import io.eslm.tensor.Tensor;

/** Where documents begin in windows of tokens. */
final class Documents {
    private Documents() {
    }

    /** ids (B, T) I32 → where the document of each token starts in its window, (B·T) I32. {@code end} ends a document. */
    static Tensor starts(Tape tape, Tensor ids, int end) {
        int time = ids.dim(1);
        int[] tokens = ids.toInts();
        int[] starts = new int[tokens.length];
        for (int i = 0; i < starts.length; i++) {
            starts[i] = i % time == 0 ? 0 : tokens[i - 1] == end ? i % time : starts[i - 1];
        }
        return tape.put(starts, starts.length);
    }
}
