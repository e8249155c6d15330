// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.BackendProvider;
import java.util.List;

/** Finds the {@link TornadoBackend}; names no type of TornadoVM before it has found the runtime. */
public final class TornadoProvider implements BackendProvider {
    private static final String RUNTIME = "tornado.load.runtime.implementation";
    private static final String BAILOUT = "tornado.recover.bailout";
    private static final String OPENCL_FLAGS = "tornado.opencl.compiler.flags";

    @Override
    public String name() {
        return "tornado";
    }

    /** Below every other: "auto" never starts a device. */
    @Override
    public int preference() {
        return -1;
    }

    @Override
    public String unusableBecause() {
        if (System.getProperty(RUNTIME) == null) {
            return "the JVM runs without TornadoVM's flags. Start it with bin/eslm, or with "
                    + "@$TORNADOVM_HOME/tornado-argfile @tensor/tornado/jvm-flags; see docs/tornado.md";
        }
        if (!"False".equalsIgnoreCase(System.getProperty(BAILOUT))) {
            return "-D" + BAILOUT + "=False is missing, without which TornadoVM returns wrong numbers after an error. "
                    + "Start the JVM with @tensor/tornado/jvm-flags";
        }
        if (!System.getProperty(OPENCL_FLAGS, "-cl-fast-relaxed-math")
                .matches("(?!.*(fast-relaxed|unsafe|finite)).*")) {
            return "-D" + OPENCL_FLAGS + " allows arithmetic that ignores NaN and infinity. "
                    + "Start the JVM with @tensor/tornado/jvm-flags";
        }
        try {
            Settings settings = Settings.of(System.getenv());
            if (Devices.find(settings) == null) {
                List<String> devices = Devices.lines();
                return devices.isEmpty()
                        ? "TornadoVM finds no device: install the GPU's driver (an SDK for CUDA also needs libnvrtc.so.13 of "
                                + "the CUDA 13 toolkit, on LD_LIBRARY_PATH or where the system looks), or "
                                + "pocl-opencl-icd to run on the CPU"
                        : Settings.DEVICE + ": no device " + settings.driver() + ":" + settings.device()
                                + "; there are "
                                + String.join(", ", devices);
            }
            Devices.products(Devices.find(settings), settings);
            return null;
        } catch (UserError e) {
            return e.getMessage();
        } catch (Throwable e) { // a missing library or class of the SDK is an Error
            return "TornadoVM does not start: " + e;
        }
    }

    @Override
    public List<String> devices() {
        return unusableBecause() == null ? Devices.lines() : List.of();
    }

    @Override
    public Backend open(int threads) {
        return new TornadoBackend(Devices.open(Settings.of(System.getenv())));
    }
}
