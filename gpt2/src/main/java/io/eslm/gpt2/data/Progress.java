// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

/** Hears how far a long preparation is. Called from the thread that asked for the data, never concurrently. */
@FunctionalInterface
public interface Progress {
    /** Hears nothing. */
    Progress SILENT = (_, _, _) -> {};

    /**
     * Work done so far.
     *
     * @param done units done, in [0, total]
     * @param total units in all (bytes of input); 0 marks a note: {@code what} is a whole sentence to show once
     * @param what what is being done
     */
    void report(long done, long total, String what);
}
