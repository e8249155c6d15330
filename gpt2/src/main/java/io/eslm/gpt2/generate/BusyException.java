// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

/** As many sequences wait as may wait: try again later. */
public final class BusyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BusyException(int waiting) {
        super(waiting + " sequences wait for their turn, which is the limit: try again later");
    }
}
