// URLs as they are met: what each provider documents, what comes close to it, what people type.
#pragma once

#include <string_view>

namespace mega::core {

// Tokens with a made-up signature. Payloads: {"url":"a/b.png","iat":1700000000,"exp":1700003600},
// {"sub":"1234567890","name":"exp"}, {"meta":{"exp":1700003600}}, and, with blanks and line feeds between, {"exp":1}.
#define MEGA_TOKEN_HEAD "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
#define MEGA_TOKEN_EXPIRING                                                                                            \
    MEGA_TOKEN_HEAD "eyJ1cmwiOiJhL2IucG5nIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDM2MDB9.c2lnbmF0dXJl"
#define MEGA_TOKEN_LASTING MEGA_TOKEN_HEAD "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6ImV4cCJ9.c2lnbmF0dXJl"
#define MEGA_TOKEN_INNER MEGA_TOKEN_HEAD "eyJtZXRhIjp7ImV4cCI6MTcwMDAwMzYwMH19.c2lnbmF0dXJl"
#define MEGA_TOKEN_SPACED MEGA_TOKEN_HEAD "IHsKICAiZXhwIiA6IDEKfQo.c2lnbmF0dXJl"

struct url_shape {
    std::string_view what; // a family's name, or why none
    std::string_view url;
    std::string_view secret{}; // of a signed one: what must not be stored
};

inline constexpr url_shape expiring_shapes[] = {
    // Amazon S3 and its like
    {"S3 v4",
     "https://examplebucket.s3.amazonaws.com/"
     "test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%"
     "2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
     "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
     "aeeed9bbccd4"},
    {"S3 v4, temporary keys",
     "https://b.s3.eu-west-1.amazonaws.com/"
     "a.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Security-Token=FwoGZXIvYXdzEJr&X-Amz-Expires=60&X-Amz-SignedHeaders="
     "host&X-Amz-Signature=aeeed9",
     "FwoGZXIvYXdzEJr"},
    {"S3 v4, the token without its signature", "https://b.s3.amazonaws.com/a.png?X-Amz-Security-Token=FwoGZXIvYXdzEJr",
     "FwoGZXIvYXdzEJr"},
    {"S3 v4, another order", "https://b.s3.amazonaws.com/a.png?X-Amz-Signature=aeeed9&X-Amz-Expires=60", "aeeed9"},
    {"S3 v4, lower case", "https://b.s3.amazonaws.com/a.png?x-amz-expires=60&x-amz-signature=aeeed9", "aeeed9"},
    {"S3 v4, upper case", "HTTPS://B.S3.AMAZONAWS.COM/A.PNG?X-AMZ-EXPIRES=60&X-AMZ-SIGNATURE=AEEED9", "AEEED9"},
    {"S3 v4, encoded name", "https://b.s3.amazonaws.com/a.png?X%2DAmz%2DSignature=aeeed9", "aeeed9"},
    {"S3 v4, every letter encoded",
     "https://b.s3.amazonaws.com/a.png?%58%2d%41%6d%7A%2d%53%69%67%6e%61%74%75%72%65=aeeed9", "aeeed9"},
    {"S3 v4, semicolons", "https://b.s3.amazonaws.com/a.png?X-Amz-Expires=60;X-Amz-Signature=aeeed9", "aeeed9"},
    {"S3 v4, HTML", "https://b.s3.amazonaws.com/a.png?X-Amz-Expires=60&amp;X-Amz-Signature=aeeed9", "aeeed9"},
    {"S3 v4, JSON inside JSON", "https://b.s3.amazonaws.com/a.png?X-Amz-Expires=60\\u0026X-Amz-Signature=aeeed9",
     "aeeed9"},
    {"S3 v4, fragment", "https://b.s3.amazonaws.com/a.png?X-Amz-Signature=aeeed9#page=2", "aeeed9"},
    {"S3 v4, own parameters before and behind", "https://b.s3.amazonaws.com/a.png?v=3&X-Amz-Signature=aeeed9&w=640",
     "aeeed9"},
    {"S3 v4, name twice", "https://b.s3.amazonaws.com/a.png?X-Amz-Signature=aeeed9&X-Amz-Signature=bbbbb7", "bbbbb7"},
    {"S3 v4, port", "http://localhost:9000/b/a.png?X-Amz-Signature=aeeed9", "aeeed9"},
    {"S3 v4, unicode key", "https://b.s3.amazonaws.com/\xE6\x97\xA5\xE6\x9C\xAC.png?X-Amz-Signature=aeeed9", "aeeed9"},
    {"S3 v4, parted upload", "https://b.s3.amazonaws.com/a.png?partNumber=1&uploadId=x&X-Amz-Signature=aeeed9",
     "aeeed9"},
    {"R2",
     "https://123abc.r2.cloudflarestorage.com/b/"
     "a.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k%2F20240101%2Fauto%2Fs3%2Faws4_request&X-Amz-Expires="
     "3600&X-Amz-Signature=aeeed9",
     "aeeed9"},
    {"B2, S3 API", "https://s3.us-west-002.backblazeb2.com/b/a.png?X-Amz-Expires=3600&X-Amz-Signature=aeeed9",
     "aeeed9"},
    {"Spaces", "https://b.fra1.digitaloceanspaces.com/a.png?X-Amz-Expires=3600&X-Amz-Signature=aeeed9", "aeeed9"},
    {"S3 v2",
     "https://awsexamplebucket1.s3.us-west-1.amazonaws.com/photos/"
     "puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620",
     "NpgCjnDzrM"},
    {"S3 v2, lower case", "https://b.s3.amazonaws.com/a.png?awsaccesskeyid=AK&expires=1175139620&signature=NpgCjnDz",
     "NpgCjnDz"},
    {"CloudFront, canned policy",
     "https://d111111abcdef8.cloudfront.net/"
     "image.jpg?color=red&size=medium&Expires=1357034400&Signature=nitfHRCrtziwO2HwPfWw~yYDhUF5EwRunQA-"
     "j19DzZrvDh6hQ73lDx~-ar3UocvvRQVw6EkC~GdpGQyyOSKQim-TxAnW7d8F5Kkai9HVx0FIu-"
     "5jcQb0UEmatEXAMPLE3ReXySpLSMj0yCd3ZAB4UcBCAqEijkytL6f3fVYNGQI6&Key-Pair-Id=K2JCJMDEHXQW5F",
     "nitfHRCrtziw"},
    {"CloudFront, own policy",
     "https://d111111abcdef8.cloudfront.net/"
     "image.jpg?Policy=eyANCiAgICEXAMPLEW1lbnQi&Signature=nitfHRCrtziw&Key-Pair-Id=K2JCJMDEHXQW5F",
     "eyANCiAgICEXAMPLEW1lbnQi"},
    {"CloudFront, own domain",
     "https://cdn.example.com/image.jpg?Key-Pair-Id=K2&Policy=eyAN&Signature=nitfHR&Hash-Algorithm=SHA256", "nitfHR"},
    // Google
    {"GCS v4",
     "https://storage.googleapis.com/example-bucket/"
     "cat.jpeg?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=example%40example-project.iam.gserviceaccount.com%"
     "2F20181026%2Fus-central1%2Fstorage%2Fgoog4_request&X-Goog-Date=20181026T181309Z&X-Goog-Expires=900&X-Goog-"
     "SignedHeaders=host&X-Goog-Signature=247a2aa45f169edf4d187d54e7cc46e4731b1e6273242c4f4c39a1d2507a0e58",
     "247a2aa45f16"},
    {"GCS v4, lower case", "https://storage.googleapis.com/b/a.png?x-goog-expires=900&x-goog-signature=247a2a",
     "247a2a"},
    {"GCS v4, own domain", "https://media.example.com/a.png?X-Goog-Signature=247a2a", "247a2a"},
    {"GCS v2",
     "https://storage.googleapis.com/b/"
     "a.png?GoogleAccessId=example%40example-project.iam.gserviceaccount.com&Expires=1458238630&Signature=VVUgfqviDCov%"
     "2B",
     "VVUgfqviDCov"},
    {"Google Cloud CDN",
     "https://cdn.example.com/a.png?Expires=1566268009&KeyName=mySigningKey&Signature=8NBSdQGzvDftrOIa3WHpp646Iis=",
     "8NBSdQGzvDft"},
    {"Google Cloud CDN, prefix",
     "https://cdn.example.com/a.png?URLPrefix=aHR0cHM6Ly9tZWRpYQ&Expires=1566268009&KeyName=k&Signature=8NBSdQ",
     "8NBSdQ"},
    // Azure
    {"Azure service SAS",
     "https://myaccount.blob.core.windows.net/pictures/"
     "profile.jpg?sv=2012-02-12&st=2009-02-09&se=2009-02-10&sr=c&sp=r&si=YWJjZGVmZw%3d%3d&sig="
     "dD80ihBh5jfNpymO5Hg1IdiJIEvHcJpCMiCMnN%2fRnbI%3d",
     "dD80ihBh5jfN"},
    {"Azure account SAS",
     "https://myaccount.blob.core.windows.net/c/"
     "a.png?sv=2022-11-02&ss=b&srt=o&sp=r&se=2026-01-01T00:00:00Z&spr=https&sig=F%6CfRg",
     "F%6CfRg"},
    {"Azure user delegation SAS",
     "https://a.blob.core.windows.net/c/"
     "a.png?skoid=1&sktid=2&skt=2020&ske=2021&sks=b&skv=2022&se=2021&sp=r&sr=b&sv=2022&sig=dD80ih",
     "dD80ih"},
    {"Azure stored policy", "https://a.blob.core.windows.net/c/a.png?sv=2022-11-02&sr=b&si=readers&sig=dD80ih",
     "dD80ih"},
    {"Azure, another order", "https://a.blob.core.windows.net/c/a.png?SIG=dD80ih&SE=2021", "dD80ih"},
    // ByteDance
    {"TOS",
     "https://ark-content-generation-v2-ap-southeast-1.tos-ap-southeast-1.bytepluses.com/seedream-4-0/"
     "a.jpeg?X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Credential=AKLT%2F20250912%2Fap-southeast-1%2Ftos%2Frequest&X-Tos-"
     "Date=20250912T101112Z&X-Tos-Expires=86400&X-Tos-Signature=5f0c2b5b1d&X-Tos-SignedHeaders=host",
     "5f0c2b5b1d"},
    {"TOS, temporary keys",
     "https://b.tos-cn-beijing.volces.com/a.mp4?X-Tos-Expires=60&X-Tos-Security-Token=nChBRU&X-Tos-Signature=5f0c2b",
     "nChBRU"},
    {"TOS, own domain", "https://media.example.com/a.jpeg?x-tos-signature=5f0c2b", "5f0c2b"},
    {"ByteDance CDN",
     "https://p9-arcosite.byteimg.com/tos-cn-i-x/"
     "a~tplv-noop.jpeg?rk3s=9e7b&x-expires=1735689600&x-signature=qW8tP%2BzKc%3D",
     "qW8tP"},
    // Tencent
    {"COS",
     "https://examplebucket-1250000000.cos.ap-beijing.myqcloud.com/"
     "exampleobject?q-sign-algorithm=sha1&q-ak=AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q&q-sign-time=1557989151;1557996351&"
     "q-key-time=1557989151;1557996351&q-header-list=host&q-url-param-list=&q-signature="
     "1889757a8bd2f6c0c61f5aae29a8b19d6bb4ec6e",
     "1889757a8bd2"},
    {"COS, encoded times",
     "https://b.cos.ap-beijing.myqcloud.com/"
     "a?q-sign-algorithm=sha1&q-sign-time=1%3B2&q-signature=188975&x-cos-security-token=tempTok",
     "tempTok"},
    {"COS, upper case", "https://b.example.com/a?Q-SIGNATURE=188975", "188975"},
    // Alibaba
    {"OSS v1",
     "https://oss-example.oss-cn-hangzhou.aliyuncs.com/"
     "oss-api.pdf?OSSAccessKeyId=nz2pc56s936**9l&Expires=1141889120&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D",
     "vjbyPxybdZaN"},
    {"OSS v1, temporary keys",
     "https://b.oss-cn-hangzhou.aliyuncs.com/"
     "a.png?OSSAccessKeyId=TMP&Expires=1141889120&security-token=CAISowJ1&Signature=vjby",
     "CAISowJ1"},
    {"OSS v2",
     "https://b.oss-cn-hangzhou.aliyuncs.com/"
     "a.png?x-oss-signature-version=OSS2&x-oss-expires=1141889120&x-oss-access-key-id=k&x-oss-signature=vjbyPx",
     "vjbyPx"},
    {"OSS v4",
     "https://b.oss-cn-hangzhou.aliyuncs.com/"
     "a.png?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-credential=k%2F20231203%2Fcn-hangzhou%2Foss%2Faliyun_v4_"
     "request&x-oss-date=20231203T121212Z&x-oss-expires=86400&x-oss-signature=77b5c2",
     "77b5c2"},
    {"OSS v4, resized",
     "https://b.oss-cn-hangzhou.aliyuncs.com/a.png?x-oss-process=image/"
     "resize,w_100&x-oss-signature=77b5c2&x-oss-security-token=CAISow",
     "CAISow"},
    {"Alibaba CDN",
     "https://cdn.example.com/video/standard/test.mp4?auth_key=1444435200-0-0-23bf85053008f5c0e791667a313e28ce",
     "23bf85053008"},
    // Akamai
    {"Akamai hdnts", "https://media.example.com/a.mp4?hdnts=exp=1700000000~hmac=5f0c2b", "5f0c2b"},
    {"Akamai hdnea", "https://media.example.com/a.m3u8?hdnea=st=1700000000~exp=1700003600~acl=/*~hmac=5f0c2b",
     "5f0c2b"},
    {"Akamai __token__", "https://media.example.com/a.mp4?__token__=exp%3D1700000000~acl%3D%2F%2A~hmac%3D5f0c2b",
     "5f0c2b"},
    {"Akamai hdntl in the path",
     "https://media.example.com/hdntl=exp=1700000000~acl=%2f*~data=hdntl~hmac=5f0c2b/a/index.m3u8", "5f0c2b"},
    {"Akamai, upper case", "https://media.example.com/a.mp4?HDNTS=exp=1700000000~hmac=5f0c2b", "5f0c2b"},
    // Supabase
    {"Supabase", "https://p.supabase.co/storage/v1/object/sign/avatars/folder/avatar1.png?token=" MEGA_TOKEN_EXPIRING,
     "c2lnbmF0dXJl"},
    {"Supabase, a token cut short", "https://p.supabase.co/storage/v1/object/sign/b/a.png?token=eyJhbGc", "eyJhbGc"},
    {"Supabase, transformed", "https://p.supabase.co/storage/v1/render/image/sign/b/a.png?width=200&token=eyJhbGc",
     "eyJhbGc"},
    {"Supabase, upload", "https://p.supabase.co/storage/v1/object/upload/sign/b/a.png?token=eyJhbGc", "eyJhbGc"},
    {"Supabase, self-hosted", "http://localhost:54321/storage/v1/object/sign/b/a.png?download=&token=eyJhbGc",
     "eyJhbGc"},
    {"Supabase, behind a proxy that keeps no prefix", "https://files.example.com/object/sign/b/a.png?token=eyJhbGc",
     "eyJhbGc"},
    // Bunny
    {"Bunny", "https://token-tester.b-cdn.net/300kb.jpg?token=UGd0X2VhNjA1ZTlkYWY&expires=1598024587", "UGd0X2VhNjA1"},
    {"Bunny, directory", "https://z.b-cdn.net/d/a.png?token=UGd0X2VhNj&token_path=%2Fd%2F&expires=1598024587",
     "UGd0X2VhNj"},
    {"Bunny, countries", "https://z.b-cdn.net/a.png?token=UGd0X2VhNj&expires=1598024587&token_countries=CA",
     "UGd0X2VhNj"},
    {"Bunny, another order and case", "https://z.b-cdn.net/a.png?Expires=1598024587&Token=UGd0X2VhNj", "UGd0X2VhNj"},
    {"Bunny, in the path",
     "https://z.b-cdn.net/bcdn_token=UGd0X2VhNj&expires=1598024587&token_path=%2Fvideos%2F/videos/a/playlist.m3u8",
     "UGd0X2VhNj"},
    {"Bunny, bcdn_token in the query", "https://z.b-cdn.net/a.m3u8?bcdn_token=UGd0X2VhNj&expires=1598024587",
     "UGd0X2VhNj"},
    // Fastly
    {"Fastly", "https://www.example.com/a.mp4?token=1700000000_3a8f1c77b4e2c8a97f9e0f3c44e9c5a0c2f4f0a3",
     "3a8f1c77b4e2"},
    {"Fastly, upper case", "https://www.example.com/a.mp4?TOKEN=1700000000_3A8F1C77B4E2", "3A8F1C77B4E2"},
    {"Fastly, encoded", "https://www.example.com/a.mp4?token=1700000000%5F3a8f1c77", "3a8f1c77"},
    // Cloudflare
    {"Cloudflare Stream",
     "https://customer-f33zs165nr7gyfy4.cloudflarestream.com/" MEGA_TOKEN_EXPIRING "/manifest/video.m3u8",
     "c2lnbmF0dXJl"},
    {"Cloudflare Stream, a token without exp",
     "https://customer-f33.cloudflarestream.com/" MEGA_TOKEN_LASTING "/iframe", "c2lnbmF0dXJl"},
    {"Cloudflare Stream, older host",
     "https://videodelivery.net/" MEGA_TOKEN_EXPIRING "/thumbnails/thumbnail.jpg?time=2s", "c2lnbmF0dXJl"},
    {"Cloudflare Stream, watch", "https://watch.videodelivery.net/" MEGA_TOKEN_LASTING, "c2lnbmF0dXJl"},
    {"Cloudflare Images",
     "https://imagedelivery.net/cheeW4oKsx5ljh8e8BoL2A/bc27a117-9509-446b-8c69-c81bfeac0a01/"
     "mobile?exp=1631289275&sig=6293f9144b4e9adc83416d1b059abcac750bf05b2c5c99ea72fd47cc9c2ace34",
     "6293f9144b4e"},
    {"Cloudflare Images, own domain", "https://example.com/cdn-cgi/imagedelivery/h/i/mobile?sig=6293f9&exp=1631289275",
     "6293f9"},
    // Backblaze
    {"B2",
     "https://f002.backblazeb2.com/file/b/"
     "a.png?Authorization=3_20160803004041_53982a92f631a8c7303e3266_d940c7f5ee17cd1de3758aaacf1024188bc0cd0b_000_"
     "20160804004041_0006_dnld",
     "53982a92f631"},
    {"B2, another token", "https://f002.backblazeb2.com/file/b/a.png?Authorization=tok5f0c", "tok5f0c"},
    {"B2, own domain", "https://files.example.com/file/b/a.png?authorization=3_20160803004041_53982a92f631",
     "53982a92f631"},
    {"B2, by id", "https://f002.backblazeb2.com/b2api/v2/b2_download_file_by_id?fileId=4_z2&Authorization=4_0022_aaf",
     "4_0022_aaf"},
    // tokens that say when they end
    {"JWT", "https://media.example.com/a.mp4?_jwt=" MEGA_TOKEN_EXPIRING, "c2lnbmF0dXJl"},
    {"JWT, Mux", "https://stream.mux.com/a1b2.m3u8?token=" MEGA_TOKEN_EXPIRING, "c2lnbmF0dXJl"},
    {"JWT, fragment behind", "https://media.example.com/a.mp4?t=" MEGA_TOKEN_EXPIRING "#t=10", "c2lnbmF0dXJl"},
    {"JWT, dots encoded",
     "https://media.example.com/a.mp4?t=eyJhbGciOiJIUzI1NiJ9%2EeyJleHAiOjE3MDAwMDM2MDB9%2Ec2lnbmF0dXJl",
     "c2lnbmF0dXJl"},
    {"JWT, in the path", "https://media.example.com/v/" MEGA_TOKEN_EXPIRING "/a.mp4", "c2lnbmF0dXJl"},
    {"JWT, with a suffix", "https://media.example.com/v/" MEGA_TOKEN_EXPIRING ".m3u8", "c2lnbmF0dXJl"},
    {"JWT, blanks in the payload", "https://media.example.com/a.mp4?t=" MEGA_TOKEN_SPACED, "c2lnbmF0dXJl"},
    {"JWT, behind a word", "https://media.example.com/a.mp4?auth=Bearer%20" MEGA_TOKEN_EXPIRING, "c2lnbmF0dXJl"},
    // one inside another
    {"image proxy",
     "https://app.example.com/_next/"
     "image?url=https%3A%2F%2Fb.s3.amazonaws.com%2Fa.png%3FX-Amz-Expires%3D60%26X-Amz-Signature%3D5f0c2b&w=640",
     "5f0c2b"},
    {"image proxy, lower-case digits",
     "https://images.weserv.nl/?url=https%3a%2f%2fb.s3.amazonaws.com%2fa.png%3fX-Amz-Signature%3d5f0c2b&w=300",
     "5f0c2b"},
    {"image proxy, half encoded",
     "https://app.example.com/image?url=https:%2F%2Fb.example.com%2Fa.png%3FX-Tos-Signature%3D5f0c2b", "5f0c2b"},
    {"image proxy, colon encoded",
     "https://app.example.com/image?url=https%3A//b.example.com/a.png?token=1700000000_5f0c2b", "5f0c2b"},
    {"image proxy of an image proxy",
     "https://a.example.com/"
     "i?u=https%3A%2F%2Fb.example.com%2Fi%3Fu%3Dhttps%253A%252F%252Fc.example.com%252Fa.png%253FX-Goog-Signature%"
     "253D5f0c2b%26w%3D1",
     "5f0c2b"},
    {"image proxy, encoded twice",
     "https://a.example.com/i?u=https%253A%252F%252Fc.example.com%252Fa.png%253Fse%253D2026%2526sig%253D5f0c2b",
     "5f0c2b"},
    {"image proxy, credentials", "https://a.example.com/i?u=https%3A%2F%2Fuser%3Apassw0rd%40c.example.com%2Fa.png",
     "passw0rd"},
    {"image proxy, not encoded", "https://a.example.com/i?u=https://b.example.com/a.png?X-Amz-Signature=5f0c2b",
     "5f0c2b"},
    {"image proxy, credentials not encoded", "https://a.example.com/i?u=https://user:passw0rd@b.example.com/a.png",
     "passw0rd"},
    {"image proxy, in the path",
     "https://img.example.com/unsafe/plain/https%3A%2F%2Fb.example.com%2Fa.png%3Fq-signature%3D5f0c2b", "5f0c2b"},
    {"image proxy, in the path as it is",
     "https://example.com/cdn-cgi/image/width=80/https://b.example.com/a.png?X-Amz-Signature=5f0c2b", "5f0c2b"},
    {"image proxy, token in the inner path",
     "https://a.example.com/i?u=https%3A%2F%2Fvideodelivery.net%2F" MEGA_TOKEN_EXPIRING "%2Fthumbnail.jpg",
     "c2lnbmF0dXJl"},
    {"image proxy, Bunny",
     "https://a.example.com/i?u=https%3A%2F%2Fz.b-cdn.net%2Fa.png%3Ftoken%3DUGd0X2Vh%26expires%3D1598024587",
     "UGd0X2Vh"},
    {"image proxy, in the path, its query encoded",
     "https://imgproxy.example/insecure/rs:fit:300/plain/https://b.s3.amazonaws.com/"
     "k%3FX-Amz-Expires=60%26X-Amz-Signature=5f0c2b@webp",
     "5f0c2b"},
    {"image proxy, no scheme", "https://wsrv.nl/?url=b.s3.amazonaws.com/k%3FX-Amz-Signature%3D5f0c2b&w=300", "5f0c2b"},
    {"image proxy, slashes alone", "https://wsrv.nl/?url=%2F%2Fb.s3.amazonaws.com%2Fk%3fX-Amz-Signature%3D5f0c2b",
     "5f0c2b"},
    {"image proxy, no scheme, two",
     "https://wsrv.nl/?url=b.s3.amazonaws.com/a%3FX-Amz-Signature%3D5f0c2b&default=ssl:c.example/"
     "i%3Fq-signature%3D5f0c2b",
     "5f0c2b"},
    {"image proxy, no scheme, encoded twice",
     "https://wsrv.nl/?url=b.s3.amazonaws.com%252Fk%253FX-Amz-Signature%253D5f0c2b", "5f0c2b"},
};

inline constexpr url_shape lasting_shapes[] = {
    // one word says nothing
    {"a shop's word", "https://shop.example.com/ring.png?sig=gold"},
    {"a flower", "https://shop.example.com/a.png?token=rose"},
    {"a shop's page", "https://shop.example.com/a?policy=returns"},
    {"lone expires", "https://cdn.example.com/a.png?Expires=1700000000"},
    {"lone signature", "https://cdn.example.com/menu?signature=dish"},
    {"lone Signature of the right form", "https://cdn.example.com/a.png?Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D"},
    {"lone Policy", "https://cdn.example.com/a.png?Policy=eyAN"},
    {"lone exp", "https://game.example.com/hero.png?exp=1631289275"},
    {"lone se", "https://example.com/a.png?se=2026"},
    {"lone sv", "https://example.com/a.png?sv=2022-11-02"},
    {"lone Key-Pair-Id", "https://example.com/a.png?Key-Pair-Id=K2"},
    {"lone auth_key", "https://example.com/a.png?auth_key=rose"},
    {"lone token in hexadecimal", "https://example.com/a.png?token=3a8f1c77b4e2"},
    {"lone token, a time", "https://example.com/a.png?token=1700000000"},
    {"lone token, a year", "https://example.com/a.png?token=2025_beef"},
    {"lone token, a name", "https://example.com/a.png?token=1700000000_rose"},
    {"authorization, a word", "https://example.com/faq?authorization=required"},
    {"no value", "https://example.com/a.png?token"},
    {"empty value", "https://example.com/a.png?sig="},
    // nearly signed
    {"S3 v4 without its signature", "https://b.s3.amazonaws.com/"
                                    "a.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK&X-Amz-Date="
                                    "20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"},
    {"S3 v4, a name that is longer", "https://b.s3.amazonaws.com/a.png?X-Amz-Signatures=1&xX-Amz-Signature=2"},
    {"S3 v4, in the fragment", "https://b.s3.amazonaws.com/a.png#X-Amz-Signature=aeeed9"},
    {"S3 v4, in the path", "https://example.com/X-Amz-Signature=aeeed9"},
    {"S3 v4, in a value", "https://example.com/?q=X-Amz-Signature"},
    {"S3 v4, in a value, encoded", "https://example.com/?q=X-Amz-Signature%3Daeeed9"},
    {"S3 v2 without the key", "https://b.s3.amazonaws.com/a.png?Signature=Npg&Expires=1175139620"},
    {"S3 v2 without the signature", "https://b.s3.amazonaws.com/a.png?AWSAccessKeyId=AK&Expires=1175139620"},
    {"S3 v2 without the end", "https://b.s3.amazonaws.com/a.png?AWSAccessKeyId=AK&Signature=Npg"},
    {"CloudFront without the key", "https://d1.cloudfront.net/a.jpg?Policy=eyAN&Signature=nitf"},
    {"CloudFront without the signature", "https://d1.cloudfront.net/a.jpg?Policy=eyAN&Key-Pair-Id=K2&Expires=1"},
    {"GCS v4 without its signature",
     "https://storage.googleapis.com/b/a.png?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Expires=900"},
    {"GCS v2 without the signature", "https://storage.googleapis.com/b/a.png?GoogleAccessId=a&Expires=1458238630"},
    {"Azure without the end", "https://a.blob.core.windows.net/c/a.png?sv=2022-11-02&sr=b&sp=r&sig=dD80ih"},
    {"Azure without the signature", "https://a.blob.core.windows.net/c/a.png?sv=2022-11-02&se=2026-01-01&sr=b&sp=r"},
    {"TOS without its signature",
     "https://b.tos-cn-beijing.example.com/a.png?X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Expires=60"},
    {"COS without its signature", "https://b.cos.ap-beijing.myqcloud.com/a?q-sign-algorithm=sha1&q-sign-time=1;2"},
    {"OSS, resized", "https://b.oss-cn-hangzhou.aliyuncs.com/a.png?x-oss-process=image/resize,w_100"},
    {"OSS v4 without its signature",
     "https://b.oss-cn-hangzhou.aliyuncs.com/a.png?x-oss-credential=k&x-oss-expires=60"},
    {"OSS v1 without the key", "https://b.oss-cn-hangzhou.aliyuncs.com/a.png?security-token=door"},
    {"Supabase, public", "https://p.supabase.co/storage/v1/object/public/avatars/avatar1.png"},
    {"Supabase, public with a token", "https://p.supabase.co/storage/v1/object/public/b/a.png?token=rose"},
    {"Supabase, the path without a token", "https://p.supabase.co/storage/v1/object/sign/b/a.png"},
    {"a folder called sign", "https://example.com/objects/sign/a.png?token=rose"},
    {"Bunny without the end", "https://z.b-cdn.net/a.jpg?token=UGd0X2VhNj"},
    {"Bunny, an end that is a word", "https://z.b-cdn.net/a.jpg?token=rose&expires=friday"},
    {"Bunny, in the path without the end", "https://z.b-cdn.net/bcdn_token=UGd0X2VhNj/a.jpg"},
    {"Bunny, over two segments", "https://z.b-cdn.net/bcdn_token=UGd0/expires=1598024587/a.jpg"},
    {"Cloudflare Images without the end", "https://imagedelivery.net/h/i/mobile?sig=6293f9"},
    {"Cloudflare Images, public", "https://imagedelivery.net/h/i/public"},
    {"Cloudflare Stream, public",
     "https://customer-f33.cloudflarestream.com/5d5bc37ffcf54c9b82e996823bffbb81/manifest/video.m3u8"},
    {"Alibaba CDN, cut short", "https://cdn.example.com/a.mp4?auth_key=1444435200-0-0-23bf85"},
    {"ByteDance CDN without the end", "https://p9.byteimg.com/a.jpeg?x-signature=qW8tP"},
    {"ByteDance CDN, public", "https://p9.byteimg.com/a~tplv-x.jpeg?rk3s=9e7b"},
    {"Backblaze, public", "https://f002.backblazeb2.com/file/b/a.png"},
    {"Firebase", "https://firebasestorage.googleapis.com/v0/b/app.appspot.com/o/"
                 "images%2Fa.png?alt=media&token=6a7e4d2c-0c2b-4a59-8f6b-5b1d5f0c2b11"},
    {"JWT without exp", "https://media.example.com/a.mp4?t=" MEGA_TOKEN_LASTING},
    {"JWT, exp of another object", "https://media.example.com/a.mp4?t=" MEGA_TOKEN_INNER},
    {"JWT, made up", "https://media.example.com/a.mp4?_jwt=eyJ.5f0c.x"},
    {"JWT, two words", "https://media.example.com/a.mp4?t=eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDM2MDB9"},
    {"JWT, in the fragment", "https://media.example.com/a.mp4#" MEGA_TOKEN_EXPIRING},
    {"JWT, not at a word's beginning", "https://media.example.com/a.mp4?t=x" MEGA_TOKEN_EXPIRING},
    {"dots in a file's name", "https://media.example.com/eyes.wide.open.mp4"},
    // images and proxies
    {"image proxy of a lasting URL",
     "https://app.example.com/_next/image?url=https%3A%2F%2Fcdn.example.com%2Fa.png%3Fv%3D2&w=640&q=75"},
    {"image proxy of a shop's word",
     "https://app.example.com/_next/image?url=https%3A%2F%2Fshop.example.com%2Fa.png%3Fsig%3Dgold&w=640"},
    {"image proxy, words of two URLs",
     "https://app.example.com/i?expires=1700000000&url=https%3A%2F%2Fshop.example.com%2Fa.png%3Ftoken%3Drose"},
    {"image proxy, three deep", "https://a.example.com/"
                                "i?u=https%253A%252F%252Fb.example.com%252Fi%253Fu%253Dhttps%25253A%25252F%25252Fc."
                                "example.com%25252F%25253FX-Amz-Signature%25253D5f0c2b"},
    {"image proxy of a lasting URL without a scheme", "https://wsrv.nl/?url=cdn.example.com/a.png%3Fv%3D2&w=300"},
    {"image proxy in the path of a lasting URL",
     "https://imgproxy.example/insecure/plain/https://cdn.example.com/a.png%3Fv=2%26sig=gold@webp"},
    {"a file that was saved under its query", "https://cdn.example.com/a.png%3FX-Amz-Signature=5f0c2b"},
    {"the same, with a colon", "https://cdn.example.com/a:b.png%3FX-Amz-Signature=5f0c2b"},
    {"a question", "https://shop.example.com/search?q=and/or%3F&r=why%3F&s=X-Amz-Signature%3F"},
    {"a question before a word", "https://shop.example.com/search?q=what%3FX-Amz-Signature%3D1"},
    {"imgix", "https://demo.imgix.net/a.jpg?w=400&s=c31e8d6ad6ec"},
    {"Cloudinary", "https://res.cloudinary.com/demo/image/upload/s--Ai4Znfl3--/c_scale,w_500/a.jpg"},
    {"Shopify", "https://cdn.shopify.com/s/files/1/0001/0001/products/a.jpg?v=1700000000&width=800"},
    {"plain", "https://assets.example.com/generations/gen_still_001.png"},
    {"unicode", "https://cdn.example.com/na\xC3\xAFve/\xE6\x97\xA5\xE6\x9C\xAC.png?x[]=1|2 3"},
    {"names that begin alike", "https://example.com/?tokens=1&mytoken=2&sigma=3&expire=4&expires_in=5"},
    {"nothing between", "https://example.com/?a=b=c&&;;&=&x"},
};

} // namespace mega::core
