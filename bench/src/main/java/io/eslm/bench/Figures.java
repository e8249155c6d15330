// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.google.gson.JsonObject;

/** Measured figures as JSON. */
final class Figures {
    private Figures() {
    }

    /** Adds {@code value}, unless it is unknown (NaN), for which JSON has no word. */
    static void add(JsonObject to, String name, double value) {
        if (!Double.isNaN(value)) {
            to.addProperty(name, value);
        }
    }
}
