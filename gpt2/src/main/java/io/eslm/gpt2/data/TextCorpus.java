// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.data.SourceFiles.Entry;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The documents of one or more sources: text files, or records of files ({@link SourceFiles}). A text file is one document, or
 * several where it has end-of-text. Files come in the order of their domains and names; hidden, empty and binary files of a folder
 * are skipped and counted. The domains are the named sources, the values of a field, or else the first-level subfolders of a
 * folder, if there are from two to {@value SourceFiles#MAX_DOMAINS}, and {@code "."} for files beside them.
 */
final class TextCorpus implements Corpus {
    static final double HELD_OUT = 0.1;

    /** A file of a source. */
    record Item(Entry entry, DataSpec.Source source) {
    }

    private final List<SourceFiles> sources;
    private final List<Item> items;

    private TextCorpus(List<SourceFiles> sources) {
        this.sources = sources;
        this.items = sources.stream()
                .flatMap(files -> files.entries().stream().map(entry -> new Item(entry, files.source())))
                .sorted(Comparator.comparing((Item item) -> item.entry.domain())
                        .thenComparing(item -> item.entry.name()))
                .toList();
    }

    static TextCorpus open(Path root, Progress progress) {
        return open(DataSpec.parse(root.toString()), false, _ -> ContentIndex.none(), progress);
    }

    /**
     * Finds the files, and reads each text to see whether it is text, unless the index of its source knows.
     *
     * @param spec with paths and patterns alone
     * @param followLinks also where they lead out of a folder
     * @throws UserError if there is no text
     */
    static TextCorpus open(DataSpec spec, boolean followLinks, Function<String, ContentIndex> indexes,
            Progress progress) {
        List<SourceFiles> sources = new ArrayList<>();
        for (DataSpec.Source source : spec.sources()) {
            try {
                ContentIndex index = indexes.apply(source.location());
                SourceFiles files = SourceFiles.of(source, followLinks, index, progress);
                if (!files.isPlain()) {
                    progress.report(0, 0, files.said());
                }
                sources.add(files);
                index.save();
            } catch (IOException e) {
                throw FileErrors.failed("read", Path.of(source.location()), e);
            }
        }
        return new TextCorpus(sources);
    }

    @Override
    public String source() {
        return sources.stream().map(files -> (files.source().name().isEmpty() ? "" : files.source().name() + "=")
                + files.description()).collect(Collectors.joining("; "));
    }

    @Override
    public String identity() {
        var text = new StringBuilder("text\n");
        for (SourceFiles files : sources) {
            text.append(Path.of(files.source().location()).toAbsolutePath().normalize()).append('\n')
                    .append(files.source().identity());
            for (Entry entry : files.entries()) {
                text.append(entry.name()).append(' ').append(entry.found().format()).append(' ')
                        .append(entry.content().bytes()).append(' ').append(entry.content().hash()).append('\n');
            }
        }
        return text.toString();
    }

    @Override
    public List<String> domains() {
        return List.of();
    }

    @Override
    public double heldOut() {
        return HELD_OUT;
    }

    @Override
    public Map<String, Double> weights() {
        Map<String, Double> weights = new LinkedHashMap<>();
        sources.forEach(files -> files.source().weight()
                .ifPresent(weight -> weights.put(files.source().name(), weight)));
        return weights;
    }

    @Override
    public boolean resumes() {
        return true;
    }

    @Override
    public void write(CorpusWriter writer, TextEncoder encoder, Progress progress) throws IOException {
        new DocumentFlow(items, writer, encoder, progress, "tokenising " + sources.stream()
                .map(files -> files.source().location()).collect(Collectors.joining(", "))).run();
        String leftOut = writer.tally().words();
        if (!leftOut.isEmpty()) {
            progress.report(0, 0, "left out documents: " + leftOut + ".");
        }
    }

    /** Number of batches in memory at once: enough that no core waits for the oldest one. */
    static int inFlight() {
        return 4 * Runtime.getRuntime().availableProcessors();
    }
}
