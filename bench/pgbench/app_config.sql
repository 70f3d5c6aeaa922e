SELECT mega_app_config('prices');
