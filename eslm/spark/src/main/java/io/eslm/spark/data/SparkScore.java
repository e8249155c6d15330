// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.DocumentCutter;
import io.eslm.gpt2.data.Progress;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.select.token.Risk;
import io.eslm.select.token.TokenScores;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.spark.Job;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;

/** Scores the documents of a corpus on Spark, each as it is scored alone, and finds the value-at-risk of all. */
final class SparkScore {
    private static final int BITS = 11;

    private final Recipe recipe;
    private final List<Part> parts;
    private final Job job;
    private final Progress progress;

    SparkScore(Recipe recipe, List<Part> parts, Job job, Progress progress) {
        this.recipe = recipe;
        this.parts = parts;
        this.job = job;
        this.progress = progress;
    }

    /** Lets tasks score the parts, and leave the scores in the folder that all share. */
    List<ScoreFiles.Counts> score(ModelParcel model) {
        return job.run("score " + parts.size() + " parts", context -> {
            Broadcast<Recipe> shared = context.broadcast(recipe);
            return Watched.collect(context, context.parallelize(parts, parts.size()).map(part -> Tasks.run(
                    "cannot score " + part.slices().getFirst().place(), () -> score(shared.value(), part, model))),
                    "scoring", progress);
        });
    }

    private static ScoreFiles.Counts score(Recipe recipe, Part part, ModelParcel model) throws IOException {
        HadoopFolder folder = recipe.folder();
        PreparedFolder.checkShared(folder);
        if (folder.has(ScoreFiles.counts(part.number()))) {
            return ScoreFiles.Counts.read(folder, part.number());
        }
        long[] bySlice = new long[part.slices().size()];
        long[] n = new long[2];
        folder.write(ScoreFiles.scores(part.number()), out -> new CorpusReader(recipe).read(part, (slice, document) -> {
            long number = bySlice[slice]++;
            int[] ids = ids(recipe, document);
            if (ids.length >= 2) {
                TokenScores scores = score(part.slices().get(slice), number, ids, model);
                new ScoreFiles.Scored(slice, number, scores).write(out);
                n[0] += scores.size();
                n[1]++;
            }
        }));
        ScoreFiles.Counts counts = new ScoreFiles.Counts(bySlice, n[0], n[1]);
        folder.write(ScoreFiles.counts(part.number()), counts::write);
        return counts;
    }

    private static int[] ids(Recipe recipe, DocumentCutter.Doc document) {
        Tokenizer tokenizer = recipe.encoder().tokenizer();
        return recipe.specials() ? tokenizer.encodeWithSpecials(document.text()) : tokenizer.encode(document.text());
    }

    private static TokenScores score(Slice from, long number, int[] ids, ModelParcel model) {
        try {
            return model.compute(gpt2 -> TokenScores.of(gpt2, ids)).checkFinite();
        } catch (UserError e) {
            throw new UserError(String.format(Locale.ROOT, "%s, document %d%s: %s", from.place(), number,
                    from.begin() > 0 ? " after byte " + from.begin() : "", e.getMessage()), e);
        }
    }

    /**
     * The value-at-risk of all scores, found bit by bit: each pass counts, among those whose first bits are known, the next
     * {@value #BITS}.
     */
    float threshold(ScoreFiles.Unit unit, Risk risk, double alpha, long scores) {
        long left = ValueAtRisk.rank(scores, alpha);
        int prefix = 0;
        for (int known = 0; known < Integer.SIZE;) {
            int before = known;
            int first = prefix;
            int take = Math.min(BITS, Integer.SIZE - known);
            long[] counts = job.run("value-at-risk, bits from " + known, context -> count(context, unit, risk, before,
                    first, take));
            int bucket = 0;
            while (left > counts[bucket]) {
                left -= counts[bucket++];
            }
            prefix = prefix << take | bucket;
            known += take;
        }
        return ValueAtRisk.ofKey(prefix);
    }

    private long[] count(JavaSparkContext context, ScoreFiles.Unit unit, Risk risk, int known, int prefix, int take) {
        Broadcast<Recipe> shared = context.broadcast(recipe);
        return context.parallelize(parts, parts.size()).map(part -> Tasks.run(shared.value().scratch(), () -> {
            long[] counts = new long[1 << take];
            try (ScoreFiles.Reader in = new ScoreFiles.Reader(shared.value().folder(), part.number())) {
                while (in.hasNext()) {
                    for (float value : in.next().risks(unit, risk)) {
                        int key = ValueAtRisk.key(value);
                        if (known == 0 || key >>> (Integer.SIZE - known) == prefix) {
                            counts[key >>> (Integer.SIZE - known - take) & (1 << take) - 1]++;
                        }
                    }
                }
            }
            return counts;
        })).treeReduce(SparkScore::sum);
    }

    private static long[] sum(long[] a, long[] b) {
        long[] sum = new long[a.length];
        for (int i = 0; i < sum.length; i++) {
            sum[i] = a[i] + b[i];
        }
        return sum;
    }
}
