// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.checkpoint.Conversion;
import io.eslm.gpt2.checkpoint.ModelFormat;
import io.eslm.gpt2.checkpoint.ModelFormat.ValueType;
import io.eslm.gpt2.option.Option;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** Writes a model in another form. */
@Command(name = "convert",
        header = "Writes a model for another program, or takes one from it.",
        description = {"",
            "Reads a model folder or a run, a checkpoint of PyTorch (pytorch_model.bin, nanoGPT's ckpt.pt), a model of llm.c, or a "
                    + "GGUF file; its content tells which it is. Writes a folder of Hugging Face, a model of llm.c, or a GGUF file. "
                    + "The tokenizer goes with the model. Nothing is replaced, and no class is loaded from any file.",
            ""},
        footer = {"", "Examples:", "  eslm convert --in runs/jdk-cvar-loss-0.1 --out model.gguf --type q8_0",
            "  eslm convert --in nanoGPT/out/ckpt.pt --out gpt2-mine",
            "  eslm convert --in gpt2/ --out gpt2_124M.bin"})
final class ConvertCommand extends EslmCommand {
    private static final Option<Path> IN = Option.path("in", "PATH", "a model folder, a run, or a model's file");
    private static final Option<Path> OUT =
            Option.path("out", "PATH", "the folder or file to write; it must not exist");
    private static final Option<ModelFormat> TO =
            Option.choice("to", "FORMAT", "hf, llmc or gguf", ModelFormat.values())
                    .defaultsTo("by the name of the output: .gguf, .bin for llmc, else hf", null);
    private static final Option<ValueType> TYPE = Option.choice("type", "TYPE",
            "how values are written: f32; f16 for hf and gguf; bf16 for hf and llmc; q8_0 for gguf", ValueType.values())
            .defaultsTo(ValueType.F32);

    @Override
    protected void declare(CommandSpec command) {
        options.require(command, IN, OUT).add(command, "", List.of(TO, TYPE));
    }

    @Override
    protected int run(Terminal screen) {
        Path out = options.get(OUT);
        ModelFormat format = options.find(TO).orElse(ModelFormat.of(out));
        try (Conversion conversion = Conversion.open(options.get(IN))) {
            screen.note(conversion.source());
            conversion.write(out, format, options.get(TYPE));
            conversion.notes().forEach(screen::note);
            screen.result("wrote " + out + " (" + format + ", " + options.get(TYPE) + ")");
        }
        return 0;
    }
}
