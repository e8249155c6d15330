// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

/** A sequence that a {@link BatchGenerator} has accepted. */
public interface Sequence {
    /** Ends it before the next step, as {@link Generation.End#STOPPED}. Does nothing if it has ended. */
    void cancel();
}
