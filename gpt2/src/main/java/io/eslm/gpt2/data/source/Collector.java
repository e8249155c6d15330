// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Makes batches of documents that come one by one. */
final class Collector {
    private final SourceFile.Opened file;
    private final Consumer<Batch> sink;
    private final List<Piece> pieces = new ArrayList<>();
    private long chars;

    Collector(SourceFile.Opened file, Consumer<Batch> sink) {
        this.file = file;
        this.sink = sink;
    }

    void add(Piece piece) {
        pieces.add(piece);
        chars += piece.text().length() + Long.BYTES; // so that empty ones count too
        if (chars >= Batch.SIZE) {
            flush();
        }
    }

    void flush() {
        sink.accept(Batch.of(pieces, file.position()));
        pieces.clear();
        chars = 0;
    }
}
