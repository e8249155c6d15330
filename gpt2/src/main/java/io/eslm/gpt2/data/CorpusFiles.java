// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.data.SourceFiles.Entry;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The files of all sources of a corpus.
 *
 * @param items in the order in which they are read: that of their domains and names
 */
public record CorpusFiles(List<SourceFiles> sources, List<Item> items) {
    /** Share of the tokens to hold out, unless the user says. */
    static final double HELD_OUT = 0.1;

    /** A file of a source. */
    public record Item(Entry entry, DataSpec.Source source) {
    }

    /** Share of the tokens of a source to hold out. */
    public static double heldOut(DataSpec.Source source) {
        return source.settings().find(DataSpec.HELD_OUT).orElse(HELD_OUT);
    }

    /** In the order of reading. */
    public static CorpusFiles of(List<SourceFiles> sources) {
        return new CorpusFiles(List.copyOf(sources), sources.stream()
                .flatMap(files -> files.entries().stream().map(entry -> new Item(entry, files.source())))
                .sorted(Comparator.comparing((Item item) -> item.entry.domain())
                        .thenComparing(item -> item.entry.name()))
                .toList());
    }

    /** Where the documents are from, as the record of the data says it. */
    public String description() {
        return sources.stream().map(files -> (files.source().name().isEmpty() ? "" : files.source().name() + "=")
                + files.description()).collect(Collectors.joining("; "));
    }

    /** Says, of each source of which there is something to say, what its files are. */
    public void report(Progress progress) {
        sources.stream().filter(files -> !files.isPlain()).forEach(files -> progress.report(0, 0, files.said()));
    }

    /** Shares of windows to draw to train on, by source; empty for none. */
    public Map<String, Double> weights() {
        Map<String, Double> weights = new LinkedHashMap<>();
        sources.forEach(files -> files.source().weight()
                .ifPresent(weight -> weights.put(files.source().name(), weight)));
        return weights;
    }

    /**
     * The weights of domains of so many tokens: that of a source goes to its domains by their sizes.
     *
     * @param ofSources weights by the name of a source, whose domains have that name or begin with it and a slash
     */
    public static Map<String, Double> weights(Map<String, Double> ofSources, Map<String, Long> tokens) {
        Map<String, Double> weights = new LinkedHashMap<>();
        ofSources.forEach((name, weight) -> {
            List<String> own = tokens.keySet().stream()
                    .filter(domain -> domain.equals(name) || domain.startsWith(name + '/')).toList();
            long all = own.stream().mapToLong(tokens::get).sum();
            own.forEach(domain -> weights.put(domain, weight * tokens.get(domain) / Math.max(1, all)));
        });
        return weights;
    }
}
