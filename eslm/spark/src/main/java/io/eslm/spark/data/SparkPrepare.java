// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.CorpusFiles;
import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.data.DocumentCutter;
import io.eslm.gpt2.data.Meta;
import io.eslm.gpt2.data.Progress;
import io.eslm.gpt2.data.Range;
import io.eslm.gpt2.data.SourceFiles;
import io.eslm.gpt2.data.Tally;
import io.eslm.gpt2.data.TextEncoder;
import io.eslm.gpt2.data.source.Formats.Format;
import io.eslm.spark.Job;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.broadcast.Broadcast;

/**
 * Prepares a folder of token files on Spark. Each task turns a part of the corpus into tokens and a list of its documents; hashes alone
 * go from task to task, to find duplicates; then it is known where the tokens of each part go, and each task writes a file of the result.
 * What tasks leave lies beside the result until that is whole, so a job that was stopped goes on with it.
 */
final class SparkPrepare {
    private final DataSpec spec;
    private final TextEncoder encoder;
    private final PreparedFolder out;
    private final Recipe recipe;
    private final Job job;
    private final Progress progress;
    private final Tally tally = new Tally();
    private long documents;

    SparkPrepare(DataSpec spec, TextEncoder encoder, PreparedFolder out, Recipe recipe, Job job, Progress progress) {
        this.spec = spec;
        this.encoder = encoder;
        this.out = out;
        this.recipe = recipe;
        this.job = job;
        this.progress = progress;
    }

    /** A domain of the result. */
    private record Kind(double share, List<Layout.Section> sections) {
    }

    /**
     * Does all of it.
     *
     * @param shardTokens most tokens of a file
     */
    Meta run(Corpus corpus, List<Part> parts, long shardTokens) throws IOException {
        List<PartFiles.Summary> summaries = job.run("tokenise " + parts.size() + " parts", context -> {
            Broadcast<Recipe> shared = context.broadcast(recipe);
            return Watched.collect(context, context.parallelize(parts, parts.size())
                    .map(part -> Tasks.run(words(part), () -> tokenise(shared.value(), part))), "tokenising", progress);
        });
        summaries.forEach(summary -> tally.otherLength(summary.otherLength()));
        List<Kept> kept = decide(parts, summaries);
        Map<String, Kind> domains = domains(parts, summaries, kept);
        progress.report(0, 0, String.format(Locale.ROOT, "%,d documents in %,d parts", documents, parts.size()));
        String leftOut = tally.words();
        if (!leftOut.isEmpty()) {
            progress.report(0, 0, "left out documents: " + leftOut + ".");
        }
        Layout layout = new Layout();
        Map<String, Range[]> ranges = new LinkedHashMap<>();
        for (Map.Entry<String, Kind> e : domains.entrySet()) {
            long train = layout.trainTokens();
            long val = layout.valTokens();
            layout.add(e.getValue().sections(), e.getValue().share(), recipe.folder());
            ranges.put(e.getKey(), new Range[] {range(train, layout.trainTokens()), range(val, layout.valTokens())});
        }
        if (layout.trainTokens() < 2) {
            throw new UserError(corpus.files().description() + " is too short: it has " + layout.trainTokens()
                    + " tokens, but at least 2 are needed. Use more text.");
        }
        return out.write(layout, shardTokens, encoder, (files, hashes) -> new Meta(corpus.files().description(),
                recipe.label(), encoder.tokenizer().vocabSize(), documents, layout.trainTokens(), layout.valTokens(),
                files,
                hashes, splits(corpus.files(), domains, ranges)));
    }

    private static String words(Part part) {
        return "cannot read " + part.slices().getFirst().place()
                + (part.slices().size() > 1 ? " and what follows it" : "");
    }

    private static PartFiles.Summary tokenise(Recipe recipe, Part part) throws IOException {
        HadoopFolder folder = recipe.folder();
        PreparedFolder.checkShared(folder);
        if (folder.has(PartFiles.summary(part.number()))) {
            return PartFiles.Summary.read(folder, part.number());
        }
        try (PartWriter writer = new PartWriter(part, recipe)) {
            new CorpusReader(recipe).read(part, writer);
            return writer.finish(folder);
        }
    }

    /** Leaves out duplicates, and lets tasks decide about the documents of each part. */
    private List<Kept> decide(List<Part> parts, List<PartFiles.Summary> summaries) {
        long compared = summaries.stream().mapToLong(PartFiles.Summary::compared).sum();
        if (compared > 0) {
            job.run(String.format(Locale.ROOT, "compare %,d documents", compared), context -> {
                Duplicates.find(context, context.broadcast(recipe), parts, compared);
                return null;
            });
        }
        List<Kept.Order> orders = new ArrayList<>();
        List<long[]> before =
                Part.before(parts, summaries.stream().map(PartFiles.Summary::documents).toList());
        for (int p = 0; p < parts.size(); p++) {
            orders.add(new Kept.Order(parts.get(p), before.get(p), summaries.get(p).domains().size()));
        }
        return job.run("divide " + parts.size() + " parts", context -> {
            Broadcast<Recipe> shared = context.broadcast(recipe);
            return context.parallelize(orders, orders.size())
                    .map(order -> Tasks.run(shared.value().scratch(), () -> Kept.of(shared.value(), order))).collect();
        });
    }

    /** The domains by their names, with what each part has of them. */
    private Map<String, Kind> domains(List<Part> parts, List<PartFiles.Summary> summaries, List<Kept> kept) {
        Map<String, Kind> domains = new TreeMap<>();
        for (int p = 0; p < parts.size(); p++) {
            Kept k = kept.get(p);
            tally.twice(k.twice());
            tally.empty(k.empty());
            long[] begin = new long[summaries.get(p).tokens().length + 1];
            for (int d = 0; d + 1 < begin.length; d++) {
                begin[d + 1] = begin[d] + summaries.get(p).tokens()[d];
            }
            for (int d : k.order()) {
                String name = summaries.get(p).domains().get(d);
                Slice from = parts.get(p).slices().get(k.slice()[d]);
                DataSpec.Source source = spec.sources().get(from.source());
                if (!domains.containsKey(name)) {
                    boolean fromField = source.columns().domain() != null && from.format() != Format.TEXT;
                    if (fromField && domains.size() >= SourceFiles.MAX_DOMAINS) {
                        throw DocumentCutter.tooManyDomains(from.place(), source, name);
                    }
                    domains.put(name, new Kind(CorpusFiles.heldOut(source), new ArrayList<>()));
                }
                domains.get(name).sections().add(new Layout.Section(p, d, begin[d], k.tokens()[d], k.chosen()[d],
                        k.documents()[d]));
                documents += k.documents()[d];
            }
        }
        return domains;
    }

    private static List<Meta.Split> splits(CorpusFiles files, Map<String, Kind> domains, Map<String, Range[]> ranges) {
        Map<String, Long> tokens = new LinkedHashMap<>();
        domains.forEach((name, kind) -> tokens.put(name,
                kind.sections().stream().mapToLong(Layout.Section::tokens).sum()));
        Map<String, Double> weights = CorpusFiles.weights(files.weights(), tokens);
        List<Meta.Split> splits = new ArrayList<>();
        ranges.forEach((name, r) -> splits.add(new Meta.Split(name, list(r[0]), list(r[1]),
                weights.getOrDefault(name, 0.0))));
        return splits;
    }

    private static Range range(long begin, long end) {
        return end > begin ? new Range(begin, end) : null;
    }

    private static List<Range> list(Range range) {
        return range == null ? List.of() : List.of(range);
    }
}
