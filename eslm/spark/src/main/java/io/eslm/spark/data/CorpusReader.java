// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.data.DocumentCutter;
import io.eslm.gpt2.data.source.Batch;
import io.eslm.gpt2.data.source.Formats;
import io.eslm.gpt2.data.source.Formats.Format;
import io.eslm.gpt2.data.source.Formats.Found;
import io.eslm.gpt2.data.source.Piece;
import io.eslm.gpt2.data.source.SourceFile;
import io.eslm.gpt2.data.source.TextReader;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.function.Consumer;

/** Reads the documents of a part, as they are read on one machine. */
final class CorpusReader {
    private final Recipe recipe;
    private final List<DataSpec.Source> sources;
    private final String endOfText;

    /** Takes the documents, in their order. */
    interface Sink {
        /** @param slice number of the slice in the part */
        void accept(int slice, DocumentCutter.Doc document) throws IOException;

        /** So many documents are left out for their length. */
        default void otherLength(int n) {
            // the sink does not count them
        }
    }

    CorpusReader(Recipe recipe) {
        this.recipe = recipe;
        this.sources = recipe.parsed();
        this.endOfText = recipe.encoder().endOfTextMark();
    }

    /**
     * Reads all slices.
     *
     * @throws UserError naming file and place of what is no document
     */
    void read(Part part, Sink sink) throws IOException {
        for (int s = 0; s < part.slices().size(); s++) {
            read(part.slices().get(s), s, sink);
        }
    }

    private void read(Slice slice, int number, Sink sink) throws IOException {
        DataSpec.Source source = sources.get(slice.source());
        try (HadoopFile bytes = HadoopFile.of(slice.uri(), recipe.conf())) {
            checkUnchanged(slice, bytes);
            Found found =
                    Formats.of(new SourceFile(slice.place(), slice.name(), bytes), slice.format(), source.columns());
            DocumentCutter cutter = new DocumentCutter(source, slice.format(), endOfText);
            Consumer<Batch> batches = cutter.joining(slice.place(), batch -> {
                DocumentCutter.Cut cut = cutter.cut(batch);
                sink.otherLength(cut.otherLength());
                for (DocumentCutter.Doc document : cut.docs()) {
                    try {
                        sink.accept(number, document);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            });
            if (slice.format() == Format.TEXT && !slice.isWhole()) {
                text(slice, bytes, batches);
            } else {
                try (SourceFile.Opened opened = slice.isWhole() ? found.file().open() : lines(slice, bytes, found)) {
                    found.reader().read(opened, batches);
                }
            }
            checkUnchanged(slice, bytes);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** Reads some pieces of a text, and ends its document where the text ends. */
    private static void text(Slice slice, HadoopFile bytes, Consumer<Batch> batches) throws IOException {
        try (InputStream in = bytes.open(slice.begin())) {
            TextReader.pieces(in, new TextReader.Place(slice.begin(), slice.read()), (piece, next) -> {
                batches.accept(Batch.of(List.of(new Piece(piece, false, null)), next.begin()));
                return next.begin() < slice.end();
            });
        }
        if (slice.end() == slice.size()) {
            batches.accept(Batch.of(List.of(new Piece("", true, null)), slice.end()));
        }
    }

    private static SourceFile.Opened lines(Slice slice, HadoopFile bytes, Found found) throws IOException {
        LineSlice lines = LineSlice.of(bytes, slice.begin(), slice.end());
        return found.file().part(lines, lines.start(), () -> {
            try {
                return LineSlice.lines(bytes, lines.start());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static void checkUnchanged(Slice slice, HadoopFile bytes) throws IOException {
        if (bytes.size() != slice.size() || bytes.modified() != slice.modified()) {
            throw new UserError(slice.place() + " changed while it was read. Try again when nothing writes to it.");
        }
    }
}
