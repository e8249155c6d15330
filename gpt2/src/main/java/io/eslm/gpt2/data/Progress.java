// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

/** Receives the progress of a long preparation. Called by the thread that opens the data, never concurrently. */
@FunctionalInterface
public interface Progress {
    /** Ignores all reports. */
    Progress SILENT = (_, _, _) -> {};

    /**
     * Reports the work done so far.
     *
     * @param done bytes of input done, in [0, total]
     * @param total bytes of input; 0 marks a note, and {@code what} is then a whole sentence to show once
     * @param what is being done
     */
    void report(long done, long total, String what);
}
