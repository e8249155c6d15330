// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import io.eslm.tensor.UserError;
import com.google.gson.JsonObject;
import io.eslm.tensor.io.Json;

/** The answer to a request that cannot be served, in OpenAI's shape. */
final class ApiError extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final String INVALID = "invalid_request_error";
    private static final String SERVER = "server_error";
    /** Longest text of the request that a message quotes. */
    private static final int LONGEST = 1000;

    private final int status;
    private final String type;
    private final String param;
    private final String code;

    /**
     * An error.
     *
     * @param status of HTTP
     * @param type one of OpenAI's
     * @param param the field that is wrong; null if it is none
     * @param code for programs; null if there is none
     */
    private ApiError(int status, String type, String param, String code, String message) {
        super(UserError.within(LONGEST, message), null, false, false);
        this.status = status;
        this.type = type;
        this.param = param;
        this.code = code;
    }

    /** A field has a wrong value. */
    static ApiError wrong(String param, String message) {
        return new ApiError(400, INVALID, param, null, message);
    }

    /** A field asks for what this server does not do. */
    static ApiError unsupported(String param, String message) {
        return new ApiError(400, INVALID, param, "unsupported_parameter", message);
    }

    /** The request as a whole is wrong. */
    static ApiError invalid(int status, String code, String message) {
        return new ApiError(status, INVALID, null, code, message);
    }

    static ApiError tooLong(String message) {
        return new ApiError(400, INVALID, "prompt", "context_length_exceeded", message);
    }

    static ApiError noModel(String name, String served) {
        return new ApiError(404, INVALID, "model", "model_not_found",
                "the model '" + name + "' is not served here; this server has '" + served + "'");
    }

    static ApiError busy(String message) {
        return new ApiError(429, "rate_limit_error", null, "rate_limit_exceeded", message);
    }

    /** Not the client's fault. */
    static ApiError server(int status, String code, String message) {
        return new ApiError(status, SERVER, null, code, message);
    }

    int status() {
        return status;
    }

    /** The body. */
    String json() {
        JsonObject error = new JsonObject();
        error.addProperty("message", getMessage());
        error.addProperty("type", type);
        error.addProperty("param", param);
        error.addProperty("code", code);
        JsonObject o = new JsonObject();
        o.add("error", error);
        return Json.line(o);
    }
}
