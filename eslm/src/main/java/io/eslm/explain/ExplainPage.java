// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

/** Tells a step as one self-contained page. */
public final class ExplainPage {
    private ExplainPage() {
    }

    /** All of it. */
    public static String of(Explanation told) {
        return ExplainText.of(told);
    }
}
