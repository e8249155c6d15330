// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import java.util.List;
import java.util.function.Consumer;

/**
 * Passes a text on, part by part, up to the first stop string. What may begin one is held back until it is known not to. Where
 * the parts end makes no difference.
 */
public final class StopText {
    private final List<String> stops;
    private final Consumer<String> out;
    private final StringBuilder held = new StringBuilder();

    /** @param stops none of them empty */
    public StopText(List<String> stops, Consumer<String> out) {
        this.stops = List.copyOf(stops);
        this.out = out;
    }

    /** Adds a part; returns false once a stop string is complete: what comes then is dropped. */
    public boolean add(String part) {
        for (int i = 0; i < part.length(); i++) {
            held.append(part.charAt(i));
            int stop = stops.stream().filter(this::endsWith).mapToInt(String::length).max().orElse(0);
            if (stop > 0) {
                held.setLength(held.length() - stop);
                end();
                return false;
            }
        }
        pass(held.length() - begun());
        return true;
    }

    /** Passes on what is held back, because no more comes. */
    public void end() {
        pass(held.length());
    }

    private void pass(int n) {
        if (n > 0) {
            out.accept(held.substring(0, n));
            held.delete(0, n);
        }
    }

    private boolean endsWith(String stop) {
        return held.length() >= stop.length()
                && held.lastIndexOf(stop) == held.length() - stop.length();
    }

    /** Length of the longest end that begins a stop string. */
    private int begun() {
        int longest = stops.stream().mapToInt(String::length).max().orElse(0);
        for (int n = Math.min(held.length(), longest - 1); n > 0; n--) {
            String end = held.substring(held.length() - n);
            if (stops.stream().anyMatch(stop -> stop.startsWith(end))) {
                return n;
            }
        }
        return 0;
    }
}
