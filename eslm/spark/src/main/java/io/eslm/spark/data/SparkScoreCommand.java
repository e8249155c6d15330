// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.cli.DeclaredOptions;
import io.eslm.cli.EslmCommand;
import io.eslm.cli.NoSpecial;
import io.eslm.cli.ScoreCommand;
import io.eslm.cli.Terminal;
import io.eslm.gpt2.WeightFormat;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.data.TextEncoder;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.run.Run;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.spark.Cluster;
import io.eslm.spark.Job;
import io.eslm.spark.data.ScoreFiles.Counts;
import io.eslm.spark.data.ScoreFiles.Unit;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SaveMode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;

/** The command score on Spark: the tokens or documents of a corpus, to Parquet. */
@Command(name = "score",
        header = "Writes the loss and the entropy of each token or document of a corpus to Parquet, on Spark.",
        description = {"",
            "Each document is scored as score does it with a text: in adjacent windows of at most block_size predictions. A row of a "
                    + "token has the columns file, document, pos, id, text, loss, entropy, selected; one of a document has file, "
                    + "document, tokens, the means of loss and entropy, and selected. document counts from 0 in its file. Losses "
                    + "are in nats. selected is true if the risk, of a document the mean, is at or above the value-at-risk of all rows. "
                    + "Documents of less than two tokens have no rows.",
            ""},
        footer = {"", "Example:",
            "  eslm score --spark yarn --model gpt2/ --in 'hdfs:///web/*.jsonl' --unit document --alpha 0.5 --out hdfs:///scores"})
public final class SparkScoreCommand extends EslmCommand {
    private static final Option<String> IN = Option.text("in", "PATH",
            "text, JSON lines, JSON, CSV, TSV or Parquet, also in .gz or .zst: a file, a folder or 'a/*.pattern'");
    private static final Option<String> OUT =
            Option.text("out", "DIR", "the folder of Parquet files to write, of a file system that all hosts see");
    private static final Option<Unit> UNIT =
            Option.choice("unit", "UNIT", "what a row is about", Unit.values()).defaultsTo(Unit.TOKEN);
    private static final List<Option<?>> DOCUMENTS = List.of(DataSpec.TEXT_FIELD, DataSpec.FORMAT);
    private static final String SUCCESS = "_SUCCESS";
    /** How the names of the files begin that Spark writes. */
    private static final String PART = "part-";

    @Mixin
    private NoSpecial noSpecial;

    @Override
    protected void declare(CommandSpec command) {
        options.require(command, DeclaredOptions.MODEL, IN, OUT)
                .add(command, "", List.of(UNIT, ScoreCommand.RISK, ValueAtRisk.ALPHA, WeightFormat.OPTION))
                .add(command, "", DeclaredOptions.BACKEND).add(command, "Documents", DOCUMENTS)
                .add(command, "Spark", Stream.concat(Cluster.options().stream(), Stream.of(CorpusJob.PARTS)).toList());
    }

    @Override
    protected int run(Terminal screen) {
        options.foldSettings(IN, DOCUMENTS);
        DataSpec spec = whole(DataSpec.parse(options.get(IN)));
        Tokenizer tokenizer = ModelFolder.tokenizer(options.get(DeclaredOptions.MODEL)).orElseThrow(() -> new UserError(
                options.get(DeclaredOptions.MODEL)
                        + ": the model's folder holds no tokenizer, so a text cannot be split into "
                        + "its tokens. Put its tokenizer.json or meta.pkl there"));
        try (Cluster cluster = Cluster.open(options, "score", false)) {
            return score(spec, new TextEncoder(tokenizer, noSpecial.specials()), cluster, screen);
        } catch (IOException e) {
            throw new UserError("cannot write scores to " + options.get(OUT) + ": " + FileErrors.reason(e), e);
        }
    }

    /** Every document is scored, and whole. */
    private static DataSpec whole(DataSpec spec) {
        return new DataSpec(spec.sources().stream().map(source -> {
            DataSpec.options().stream().filter(o -> source.settings().isSet(o) && !DOCUMENTS.contains(o)).findFirst()
                    .ifPresent(o -> {
                        throw new OptionError(o, source.settings().find(o).orElse(null),
                                "says what to train on, and every document is scored. Omit it");
                    });
            return new DataSpec.Source(source.name(), source.location(),
                    source.settings().withText(DataSpec.LONGEST, String.valueOf(Long.MAX_VALUE)));
        }).toList());
    }

    private int score(DataSpec spec, TextEncoder encoder, Cluster cluster, Terminal screen) throws IOException {
        Configuration conf = cluster.context().hadoopConfiguration();
        Job job = new Job(cluster, screen);
        String out = CorpusJob.qualified(options.get(OUT), conf);
        HadoopFolder folder = new HadoopFolder(out, conf);
        UserError.check(!folder.has(SUCCESS), "%s holds a result already. Name another folder, or delete it", folder);
        UserError.check(
                folder.names().stream().noneMatch(name -> name.startsWith(PART))
                        || folder.names().stream().anyMatch(name -> name.startsWith(PreparedFolder.UNFINISHED)),
                "%s holds files that begin with " + PART + " and that are not of a stopped score. Name another folder",
                folder);
        CorpusJob corpus = CorpusJob.open(spec, encoder, false, conf, job, screen.progress());
        corpus.checkOutside(out);
        List<Part> parts = corpus.parts(options.find(CorpusJob.PARTS));
        ModelParcel model = ModelParcel.send(options.get(DeclaredOptions.MODEL), options.get(Run.BACKEND),
                options.get(Run.THREADS), options.get(WeightFormat.OPTION), cluster.context());
        Recipe recipe = corpus.recipe(PreparedFolder.scratch(out,
                corpus.identity(parts, "score " + model)));
        PreparedFolder.share(recipe.folder());
        SparkScore scores = new SparkScore(recipe, parts, job, screen.progress());
        List<Counts> counts = scores.score(model);
        Unit unit = options.get(UNIT);
        long rows = counts.stream().mapToLong(count -> count.of(unit)).sum();
        UserError.check(rows > 0, "%s: no document has two tokens, so there is nothing to score", options.get(IN));
        ScoreTable table = new ScoreTable(unit, options.get(ScoreCommand.RISK),
                scores.threshold(unit, options.get(ScoreCommand.RISK), options.get(ValueAtRisk.ALPHA), rows));
        for (String name : folder.names()) {
            if (name.startsWith(PART)) { // of a job that was stopped
                folder.delete(name);
            }
        }
        job.run("write " + parts.size() + " parts", _ -> {
            table.of(cluster.session(), recipe, numbered(parts, counts)).write().mode(SaveMode.Append).parquet(out);
            return null;
        });
        PreparedFolder.deleteScratch(folder);
        long documents = counts.stream().mapToLong(count -> Arrays.stream(count.bySlice()).sum()).sum();
        screen.result(String.format(Locale.ROOT, "%s: %,d rows of %,d documents, value-at-risk %.4f", options.get(OUT),
                rows, documents, table.threshold()));
        return 0;
    }

    private static List<ScoreTable.Numbered> numbered(List<Part> parts, List<Counts> counts) {
        List<ScoreTable.Numbered> numbered = new ArrayList<>();
        List<long[]> before = Part.before(parts, counts.stream().map(Counts::bySlice).toList());
        for (int p = 0; p < parts.size(); p++) {
            numbered.add(new ScoreTable.Numbered(parts.get(p), before.get(p)));
        }
        return numbered;
    }
}
