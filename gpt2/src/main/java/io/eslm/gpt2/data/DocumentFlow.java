// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.data.TextCorpus.Item;
import io.eslm.gpt2.data.source.Batch;
import io.eslm.gpt2.data.source.Formats.Format;
import io.eslm.gpt2.data.source.Piece;
import io.eslm.gpt2.data.source.SourceFile;
import io.eslm.gpt2.data.source.WholeTexts;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Gatherers;
import java.util.stream.IntStream;

/**
 * Brings documents from their files into a {@link CorpusWriter}: one thread reads batches, all cores unpack them, one thread
 * drops what was there before, all cores tokenise, one thread writes, in the order of the reading. A bounded number of batches is
 * in memory.
 */
final class DocumentFlow {
    private final List<Item> items;
    private final CorpusWriter writer;
    private final TextEncoder encoder;
    private final Progress progress;
    private final String doing;
    private final String endOfText;
    private final Journal.Place from;
    private final long total;
    private final long[] begins;
    /** Documents of the file that is being written. */
    private long document;

    DocumentFlow(List<Item> items, CorpusWriter writer, TextEncoder encoder, Progress progress, String doing) {
        this.items = items;
        this.writer = writer;
        this.encoder = encoder;
        this.progress = progress;
        this.doing = doing;
        this.endOfText = encoder.endOfTextMark();
        this.from = writer.place();
        this.document = from.document();
        this.begins = new long[items.size() + 1];
        for (int i = 0; i < items.size(); i++) {
            begins[i + 1] = begins[i] + items.get(i).entry().content().bytes();
        }
        this.total = begins[items.size()];
    }

    /** A batch on its way; a null batch ends its file. */
    private record Read(int file, long number, Batch batch) {
    }

    /** A document or a piece of one; {@code hash} is of the text of a record, or 0. */
    private record Doc(String text, boolean ends, String domain, boolean isRecord, long hash) {
    }

    private record Unpacked(Read read, List<Doc> docs, int otherLength) {
    }

    /** Without texts. */
    private record Encoded(Unpacked from, List<byte[]> tokens, int twice) {
    }

    void run() throws IOException {
        if (from.file() > 0 || from.batch() > 0) {
            progress.report(0, 0, "going on with the preparation that was stopped.");
        }
        try {
            IntStream.range(from.file(), items.size()).boxed().<Read>mapMulti(this::read)
                    .gather(Gatherers.mapConcurrent(TextCorpus.inFlight(), this::unpack))
                    .map(this::dropSeen)
                    .gather(Gatherers.mapConcurrent(TextCorpus.inFlight(), this::encode))
                    .forEachOrdered(this::write);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private void read(int file, Consumer<Read> sink) {
        Item item = items.get(file);
        try (SourceFile.Opened opened = item.entry().found().file().open()) {
            var numbered = new Consumer<Batch>() {
                private long number;

                @Override
                public void accept(Batch batch) {
                    if (file > from.file() || number >= from.batch()) {
                        sink.accept(new Read(file, number, batch));
                    }
                    number++;
                }
            };
            boolean text = item.entry().found().format() == Format.TEXT;
            item.entry().found().reader().read(opened, text && item.source().whole()
                    ? new WholeTexts(item.entry().path(), endOfText, numbered) : numbered);
            if (item.entry().found().format() == Format.PARQUET
                    ? Files.size(item.entry().path()) != item.entry().content().bytes()
                    : !opened.hash().equals(item.entry().content().hash())) {
                throw new UserError(
                        item.entry().path() + " changed while it was read. Try again when nothing writes to it.");
            }
            sink.accept(new Read(file, numbered.number, null));
        } catch (IOException e) {
            throw FileErrors.failed("read", item.entry().path(), e);
        }
    }

    private Unpacked unpack(Read read) {
        if (read.batch == null) {
            return new Unpacked(read, List.of(), 0);
        }
        Item item = items.get(read.file);
        boolean text = item.entry().found().format() == Format.TEXT;
        boolean whole = item.source().whole();
        boolean deduplicate = item.source().settings().get(DataSpec.DEDUPLICATE);
        List<Doc> docs = new ArrayList<>();
        int otherLength = 0;
        for (Piece piece : read.batch.pieces()) {
            if (text && !whole) {
                WholeTexts.cut(piece, endOfText)
                        .forEach(part -> docs.add(new Doc(part.text(), part.ends(), null, false, 0)));
                continue;
            }
            String document = text ? bare(piece.text()) : piece.text();
            if (whole && !document.isEmpty() && !item.source().keeps(document)) {
                otherLength++;
                continue;
            }
            docs.add(new Doc(piece.text(), true, domain(item, piece), !text,
                    text && !deduplicate ? 0 : Seen.hash(document)));
        }
        return new Unpacked(read, docs, otherLength);
    }

    /** A document of a text without the end-of-text that ends it. */
    private String bare(String document) {
        return endOfText != null && document.endsWith(endOfText)
                ? document.substring(0, document.length() - endOfText.length()) : document;
    }

    private static String domain(Item item, Piece piece) {
        String field = piece.domain();
        String name = item.source().name();
        return field == null ? null : name.isEmpty() ? field : name + '/' + field;
    }

    private Unpacked dropSeen(Unpacked unpacked) {
        boolean deduplicate = items.get(unpacked.read.file).source().settings().get(DataSpec.DEDUPLICATE);
        if (!deduplicate) {
            return unpacked;
        }
        List<Doc> docs = new ArrayList<>();
        for (Doc doc : unpacked.docs) {
            docs.add(doc.text.isEmpty() || writer.seen().add(doc.hash) ? doc : null);
        }
        return new Unpacked(unpacked.read, docs, unpacked.otherLength);
    }

    private Encoded encode(Unpacked unpacked) {
        List<byte[]> tokens = new ArrayList<>();
        List<Doc> docs = new ArrayList<>();
        int twice = 0;
        for (Doc doc : unpacked.docs) {
            if (doc == null) {
                twice++;
                continue;
            }
            tokens.add(encoder.encode(doc.text));
            docs.add(new Doc(null, doc.ends, doc.domain, doc.isRecord, doc.hash));
        }
        return new Encoded(new Unpacked(unpacked.read, docs, unpacked.otherLength), tokens, twice);
    }

    private void write(Encoded encoded) {
        Read read = encoded.from.read;
        Item item = items.get(read.file);
        try {
            for (int i = 0; i < encoded.tokens.size(); i++) {
                write(item, encoded.from.docs.get(i), encoded.tokens.get(i));
            }
            writer.tally().twice(encoded.twice);
            writer.tally().otherLength(encoded.from.otherLength);
            if (read.batch == null) {
                document = 0;
                writer.reached(new Journal.Place(read.file + 1, 0, 0));
            } else {
                writer.reached(new Journal.Place(read.file, read.number + 1, document));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        progress.report(read.batch == null ? begins[read.file + 1] : begins[read.file] + read.batch.position(), total,
                doing);
    }

    private void write(Item item, Doc doc, byte[] tokens) throws IOException {
        int domain = domain(item, doc);
        writer.append(domain, tokens);
        if (!doc.ends) {
            return;
        }
        String name = item.entry().name();
        // A text is known by its path, so that it stays on its side when it is edited; a record by what it says.
        String known = doc.isRecord ? Long.toHexString(doc.hash) : document == 0 ? name : name + '#' + document;
        if (!writer.endDocument(domain, known)) {
            writer.tally().empty(doc.isRecord ? 1 : 0);
        } else if (item.source().settings().get(DataSpec.DEDUPLICATE)) {
            writer.seen().keep(doc.hash);
        }
        document++;
    }

    private int domain(Item item, Doc doc) throws IOException {
        double share = writer.heldOut(item.source().settings().find(DataSpec.HELD_OUT));
        int domain = writer.domain(doc.domain == null ? item.entry().domain() : doc.domain, share);
        if (doc.domain != null && domain >= SourceFiles.MAX_DOMAINS) {
            throw new UserError(item.entry().path() + ": the field " + item.source().columns().domain()
                    + " has more than " + SourceFiles.MAX_DOMAINS + " values, too many for domains. The last is "
                    + doc.domain + ". Name a field of kinds, or none.");
        }
        return domain;
    }
}
