// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.generate.Generation;
import io.eslm.gpt2.generate.Generator;
import io.eslm.gpt2.generate.Sampling;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.report.ScoreLines;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Text from a model. */
@Command(name = "sample", header = "Continues a prompt, token by token.", description = {"",
    "The text goes to the standard output as it is made. The same seed gives the same text.", ""},
        footer = {"",
            "Examples:", "  eslm sample --model runs/jdk-cvar-loss-0.1 --prompt \"Returns the\"",
            "  eslm sample --model gpt2/ --prompt \"Once upon a time\" --temperature 0.7 --top-p 0.9 --num-samples 3"})
final class SampleCommand implements Runnable {
    @ParentCommand
    private Main program;
    @Spec
    private CommandSpec spec;
    @Option(names = "--model", required = true, paramLabel = "DIR",
            description = "a model folder, or the folder of a run (its newest checkpoint)")
    private Path modelDir;
    @Option(names = {"--prompt", "--start"}, paramLabel = "TEXT", defaultValue = "",
            description = "the text to continue (default: none, the beginning of a document)")
    private String prompt;
    @Option(names = {"--max-new-tokens", "--max_new_tokens"}, paramLabel = "N", defaultValue = "200",
            description = "length (default: ${DEFAULT-VALUE})")
    private int maxNewTokens;
    @Option(names = {"--num-samples", "--num_samples"}, paramLabel = "N", defaultValue = "1",
            description = "number of texts (default: ${DEFAULT-VALUE})")
    private int numSamples;
    @Option(names = "--temperature", paramLabel = "T", defaultValue = RunSnapshots.TEMPERATURE,
            description = "0: always the likeliest token; 1: as the model says (default: ${DEFAULT-VALUE})")
    private double temperature;
    @Option(names = {"--top-k", "--top_k"}, paramLabel = "K", defaultValue = RunSnapshots.TOP_K,
            description = "draw from the K likeliest tokens alone; 0: all (default: ${DEFAULT-VALUE})")
    private int topK;
    @Option(names = {"--top-p", "--top_p"}, paramLabel = "P", defaultValue = "1",
            description = "draw from the likeliest tokens that together have probability P (default: ${DEFAULT-VALUE})")
    private double topP;
    @Option(names = "--seed", paramLabel = "S", defaultValue = TrainDefaults.SEED,
            description = "(default: ${DEFAULT-VALUE})")
    private long seed;
    @Mixin
    private BackendOptions backends;

    @Override
    public void run() {
        Gpt2Config config = ModelFolder.config(modelDir);
        if (!ScoreLines.isGpt2(config.vocabSize())) {
            throw new UserError(
                    "--model " + modelDir + ": has a vocabulary of its own (" + config.vocabSize() + " ids, GPT-2 has "
                            + Gpt2Tokenizer.VOCAB_SIZE + "), so its tokens cannot be turned into text here");
        }
        if (numSamples < 1) {
            throw new UserError("--num-samples " + numSamples + ": must be at least 1");
        }
        PrintWriter out = spec.commandLine().getOut();
        try (Terminal screen = program.screen(spec.commandLine()); Backend backend = backends.open()) {
            Gpt2 model = ModelFolder.load(modelDir, backend);
            Gpt2Tokenizer tokenizer = new Gpt2Tokenizer();
            Generator generator = new Generator(model);
            for (int i = 0; i < numSamples; i++) {
                if (i > 0) {
                    out.println("---------------");
                }
                TokenStream stream = new TokenStream(tokenizer, out);
                out.print(prompt);
                long start = System.nanoTime();
                Generation made = generator.generate(tokenizer.encode(prompt),
                        new Sampling(temperature, topK, topP, maxNewTokens, seed + i), stream);
                stream.end();
                out.println();
                out.flush();
                made.notes().forEach(screen::note);
                double seconds = (System.nanoTime() - start) * 1e-9;
                screen.note(String.format(Locale.ROOT, "%d tokens in %s, %.1f tokens/s", made.tokens().length,
                        LogLines.duration(seconds), made.tokens().length / seconds));
            }
        }
    }
}
