// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import java.io.Writer;
import java.util.function.Consumer;

/** Passes on whole lines as they come. */
final class LineWriter extends Writer {
    private final Consumer<String> lines;
    private final Runnable end;
    private final StringBuilder line = new StringBuilder();

    /** @param end called when there are no more lines */
    LineWriter(Consumer<String> lines, Runnable end) {
        this.lines = lines;
        this.end = end;
    }

    @Override
    public void write(char[] chars, int from, int n) {
        line.append(chars, from, n);
        for (int end = line.indexOf("\n"); end >= 0; end = line.indexOf("\n")) {
            String whole = line.substring(0, end);
            line.delete(0, end + 1);
            lines.accept(whole);
        }
    }

    @Override
    public void flush() {
        // a part of a line waits for the rest
    }

    @Override
    public void close() {
        if (!line.isEmpty()) {
            lines.accept(line.toString());
            line.setLength(0);
        }
        end.run();
    }
}
