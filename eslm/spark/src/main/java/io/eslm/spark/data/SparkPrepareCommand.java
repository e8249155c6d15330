// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.cli.EslmCommand;
import io.eslm.cli.NoSpecial;
import io.eslm.cli.PrepareCommand;
import io.eslm.cli.Terminal;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.data.Meta;
import io.eslm.gpt2.data.Range;
import io.eslm.gpt2.data.TextEncoder;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.run.Run;
import io.eslm.spark.Cluster;
import io.eslm.spark.Job;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;

/** The command prepare on Spark: executors turn parts of a corpus into tokens. */
@Command(name = "prepare", header = "Turns a corpus into a folder of token files, on Spark.",
        description = {"",
            "Reads and writes any file system that Hadoop knows, and gives the same bytes as on one machine, whatever the number of "
                    + "executors. JSON lines are read in parts, other files whole. A preparation that was stopped goes on when it is "
                    + "started again.",
            ""},
        footer = {"", "Example:",
            "  eslm prepare --spark yarn --in 'hdfs:///web/*.jsonl' --domain-field lang --deduplicate --out hdfs:///data/web"})
public final class SparkPrepareCommand extends EslmCommand {
    private static final Option<String> IN = Option.text("in", "PATH",
            "text, JSON lines, JSON, CSV, TSV or Parquet, also in .gz or .zst: a file, a folder or 'a/*.pattern', of hdfs://, "
                    + "s3a:// or a path that all hosts see. Several as NAME=PATH:WEIGHT");
    private static final Option<String> OUT =
            Option.text("out", "DIR", "the folder to write, of a file system that all hosts see");

    @Mixin
    private NoSpecial noSpecial;
    @CommandLine.Option(names = {"--follow-links", "--follow_links"},
            description = "follow symbolic links in a folder also where they lead out of it")
    private boolean followLinks;

    @Override
    protected void declare(CommandSpec command) {
        options.require(command, IN, OUT)
                .add(command, "", List.of(Run.TOKENIZER, DataSource.SHARD_TOKENS))
                .add(command, "Documents", DataSpec.options())
                .add(command, "Spark", Stream.concat(Cluster.options().stream(), Stream.of(CorpusJob.PARTS)).toList());
    }

    @Override
    protected int run(Terminal screen) {
        options.foldSettings(IN, DataSpec.options());
        DataSpec spec = DataSpec.parse(options.get(IN));
        TextEncoder encoder = new TextEncoder(
                options.find(Run.TOKENIZER).map(ModelFolder::tokenizerAt).orElseGet(Gpt2Tokenizer::new),
                noSpecial.specials());
        try (Cluster cluster = Cluster.open(options, "prepare", false)) {
            Configuration conf = cluster.context().hadoopConfiguration();
            Job job = new Job(cluster, screen);
            CorpusJob corpus = CorpusJob.open(spec, encoder, followLinks, conf, job, screen.progress());
            String out = CorpusJob.qualified(options.get(OUT), conf);
            List<Part> parts = corpus.parts(options.find(CorpusJob.PARTS));
            corpus.checkOutside(out);
            Recipe recipe = corpus.recipe(PreparedFolder.scratch(out, corpus.identity(parts, "prepare")));
            Meta meta = new SparkPrepare(spec, encoder, new PreparedFolder(out, recipe, job), recipe, job,
                    screen.progress()).run(corpus.corpus(), parts, options.get(DataSource.SHARD_TOKENS));
            show(screen, meta);
            return 0;
        } catch (IOException e) {
            throw new UserError("cannot write prepared data to " + options.get(OUT) + ": " + FileErrors.reason(e), e);
        }
    }

    private void show(Terminal screen, Meta meta) {
        Map<String, long[]> tokens = new LinkedHashMap<>();
        for (Meta.Split split : meta.domains()) {
            long[] n = {size(split.train()), size(split.val())};
            if (n[0] + n[1] > 0) {
                tokens.put(split.name(), n);
            }
        }
        PrepareCommand.show(screen, options.get(OUT) + ": " + meta.source(), tokens);
    }

    private static long size(List<Range> ranges) {
        return ranges.stream().mapToLong(Range::size).sum();
    }
}
