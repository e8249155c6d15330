// SPDX-License-Identifier: Apache-2.0

/** The model and everything to train and use it. */
module io.eslm.gpt2 {
    requires transitive io.eslm.autograd;

    requires com.github.luben.zstd_jni;
    requires de.siegmar.fastcsv;
    requires dev.hardwood.core;
    requires it.unimi.dsi.fastutil.core;
    requires java.net.http;
    requires jtokkit;

    exports io.eslm.gpt2;
    exports io.eslm.gpt2.checkpoint;
    exports io.eslm.gpt2.collective;
    exports io.eslm.gpt2.data;
    exports io.eslm.gpt2.data.source;
    exports io.eslm.gpt2.generate;
    exports io.eslm.gpt2.inspect;
    exports io.eslm.gpt2.option;
    exports io.eslm.gpt2.tokenizer;
    exports io.eslm.gpt2.train;
}
