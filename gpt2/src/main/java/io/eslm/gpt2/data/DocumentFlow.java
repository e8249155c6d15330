// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.data.CorpusFiles.Item;
import io.eslm.gpt2.data.DocumentCutter.Cut;
import io.eslm.gpt2.data.DocumentCutter.Doc;
import io.eslm.gpt2.data.source.Batch;
import io.eslm.gpt2.data.source.Formats.Format;
import io.eslm.gpt2.data.source.SourceFile;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
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
            item.entry().found().reader().read(opened, cutter(item).joining(item.entry().place(), numbered));
            if (item.entry().found().format() == Format.PARQUET
                    ? item.entry().found().file().bytes().size() != item.entry().content().bytes()
                    : !opened.hash().equals(item.entry().content().hash())) {
                throw new UserError(
                        item.entry().place() + " changed while it was read. Try again when nothing writes to it.");
            }
            sink.accept(new Read(file, numbered.number, null));
        } catch (IOException e) {
            throw FileErrors.failed("read", Path.of(item.entry().place()), e);
        }
    }

    private Unpacked unpack(Read read) {
        if (read.batch == null) {
            return new Unpacked(read, List.of(), 0);
        }
        Cut cut = cutter(items.get(read.file)).cut(read.batch);
        return new Unpacked(read, cut.docs(), cut.otherLength());
    }

    private DocumentCutter cutter(Item item) {
        return new DocumentCutter(item.source(), item.entry().found().format(), endOfText);
    }

    private Unpacked dropSeen(Unpacked unpacked) {
        boolean deduplicate = items.get(unpacked.read.file).source().settings().get(DataSpec.DEDUPLICATE);
        if (!deduplicate) {
            return unpacked;
        }
        List<Doc> docs = new ArrayList<>();
        for (Doc doc : unpacked.docs) {
            docs.add(doc.text().isEmpty() || writer.seen().add(doc.hash()) ? doc : null);
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
            tokens.add(encoder.encode(doc.text()));
            docs.add(doc.withoutText());
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
        if (!doc.ends()) {
            return;
        }
        String name = item.entry().name();
        String known = doc.isRecord() ? HeldOut.known(doc.hash()) : HeldOut.known(name, document);
        if (!writer.endDocument(domain, known)) {
            writer.tally().empty(doc.isRecord() ? 1 : 0);
        } else if (item.source().settings().get(DataSpec.DEDUPLICATE)) {
            writer.seen().keep(doc.hash());
        }
        document++;
    }

    private int domain(Item item, Doc doc) throws IOException {
        double share = writer.heldOut(item.source().settings().find(DataSpec.HELD_OUT));
        int domain = writer.domain(doc.domain() == null ? item.entry().domain() : doc.domain(), share);
        if (doc.domain() != null && domain >= SourceFiles.MAX_DOMAINS) {
            throw DocumentCutter.tooManyDomains(item.entry().place(), item.source(), doc.domain());
        }
        return domain;
    }
}
