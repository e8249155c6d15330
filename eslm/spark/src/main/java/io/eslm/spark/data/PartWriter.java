// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.data.DocumentCutter;
import io.eslm.gpt2.data.SourceFiles;
import io.eslm.gpt2.data.TextEncoder;
import io.eslm.tensor.io.FileTrees;
import java.io.Closeable;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes the tokens of a part, domain by domain, first to files of this machine. */
final class PartWriter implements CorpusReader.Sink, AutoCloseable {
    private final Part part;
    private final List<DataSpec.Source> sources;
    private final TextEncoder encoder;
    private final byte[] endOfText;
    private final Path scratch;
    private final Map<String, Section> sections = new LinkedHashMap<>();
    private final DataOutputStream documents;
    private final long[] ended;
    private long compared;
    private long otherLength;

    /** The tokens of a domain. */
    private final class Section {
        final int number = sections.size();
        final Path file = scratch.resolve(number + ".tokens");
        final OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
        long tokens;
        /** Tokens of the document that is open. */
        long open;
        boolean endsWithEnd;

        Section() throws IOException {
            // its fields are all
        }

        void append(byte[] bytes) throws IOException {
            out.write(bytes);
            tokens += bytes.length / encoder.width();
            open += bytes.length / encoder.width();
            if (bytes.length > 0) {
                endsWithEnd = endOfText.length > 0 && bytes.length >= endOfText.length && Arrays.equals(bytes,
                        bytes.length - endOfText.length, bytes.length, endOfText, 0, endOfText.length);
            }
        }
    }

    PartWriter(Part part, Recipe recipe) throws IOException {
        this.part = part;
        this.sources = recipe.parsed();
        this.encoder = recipe.encoder();
        this.endOfText = encoder.endOfText();
        this.scratch = Files.createTempDirectory("eslm-part-");
        this.documents = new DataOutputStream(
                new BufferedOutputStream(Files.newOutputStream(scratch.resolve("documents")), 1 << 16));
        this.ended = new long[part.slices().size()];
    }

    @Override
    public void accept(int slice, DocumentCutter.Doc doc) throws IOException {
        Slice from = part.slices().get(slice);
        Section section = section(doc.domain() == null ? from.domain() : doc.domain(), doc.domain() != null, from);
        section.append(encoder.encode(doc.text()));
        if (!doc.ends()) {
            return;
        }
        if (section.open > 0 && !section.endsWithEnd) {
            section.append(endOfText);
        }
        boolean isCompared = sources.get(from.source()).settings().get(DataSpec.DEDUPLICATE) && !doc.text().isEmpty();
        new PartFiles.Document(slice, section.number, section.open, doc.hash(), true, isCompared, false, false)
                .write(documents);
        section.open = 0;
        ended[slice]++;
        compared += isCompared ? 1 : 0;
    }

    @Override
    public void otherLength(int n) {
        otherLength += n;
    }

    private Section section(String name, boolean fromField, Slice from) throws IOException {
        Section known = sections.get(name);
        if (known != null) {
            return known;
        }
        if (fromField && sections.size() >= SourceFiles.MAX_DOMAINS) {
            throw DocumentCutter.tooManyDomains(from.place(), sources.get(from.source()), name);
        }
        Section section = new Section();
        sections.put(name, section);
        return section;
    }

    /** Moves everything to the folder that all share. */
    PartFiles.Summary finish(HadoopFolder folder) throws IOException {
        for (Section section : sections.values()) {
            if (section.open > 0) { // the next part goes on with it
                new PartFiles.Document(part.slices().size() - 1, section.number, section.open, 0, false, false, false,
                        false).write(documents);
            }
        }
        closeStreams();
        int n = part.number();
        folder.write(PartFiles.tokens(n), out -> {
            for (Section section : sections.values()) {
                Files.copy(section.file, out);
            }
        });
        folder.write(PartFiles.documents(n), out -> Files.copy(scratch.resolve("documents"), out));
        List<String> domains = new ArrayList<>(sections.keySet());
        PartFiles.Summary summary = new PartFiles.Summary(domains,
                sections.values().stream().mapToLong(section -> section.tokens).toArray(), ended, compared,
                otherLength);
        folder.write(PartFiles.summary(n), summary::write);
        return summary;
    }

    /** All of them, also where one fails. */
    private void closeStreams() throws IOException {
        IOException failure = null;
        List<Closeable> streams = new ArrayList<>(List.of(documents));
        sections.values().forEach(section -> streams.add(section.out));
        for (Closeable stream : streams) {
            try {
                stream.close();
            } catch (IOException e) {
                failure = failure == null ? e : failure;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public void close() throws IOException {
        try {
            closeStreams();
        } finally {
            FileTrees.delete(scratch);
        }
    }
}
