// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.data.SourceFiles.Entry;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
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
    private final CorpusFiles files;

    private TextCorpus(CorpusFiles files) {
        this.files = files;
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
                sources.add(SourceFiles.of(source, followLinks, index, progress));
                index.save();
            } catch (IOException e) {
                throw FileErrors.failed("read", Path.of(source.location()), e);
            }
        }
        CorpusFiles files = CorpusFiles.of(sources);
        files.report(progress);
        return new TextCorpus(files);
    }

    @Override
    public String source() {
        return files.description();
    }

    @Override
    public String identity() {
        var text = new StringBuilder("text\n");
        for (SourceFiles some : files.sources()) {
            text.append(Path.of(some.source().location()).toAbsolutePath().normalize()).append('\n')
                    .append(some.source().identity());
            for (Entry entry : some.entries()) {
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
        return CorpusFiles.HELD_OUT;
    }

    @Override
    public Map<String, Double> weights() {
        return files.weights();
    }

    @Override
    public boolean resumes() {
        return true;
    }

    @Override
    public void write(CorpusWriter writer, TextEncoder encoder, Progress progress) throws IOException {
        new DocumentFlow(files.items(), writer, encoder, progress, "tokenising " + files.sources().stream()
                .map(some -> some.source().location()).collect(Collectors.joining(", "))).run();
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
